"""Feed readers during concurrent writes: all readers get every event exactly once, and in the same order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.change_feed import FeedReader
from tests.support.effort import rounds
from tests.support.hours_in_2099 import hour_start, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")

WRITERS, ORDERS = 4, rounds(5, 12)


def write(app, vehicle):
    """Create, change and delete allocations of one vehicle, one after another."""
    client = app.test_client()
    for hour in range(ORDERS):
        url = client.post(f"{vehicle}/allocations", json=period_fields(hour, hour + 1)).headers["Location"]
        assert client.patch(url, json={"description": "changed"}).status_code == 200
        assert client.delete(url).status_code == 204


def read(app, writers, limit):
    """Follow the feed until every writer has finished and all events have been read; return the event ids."""
    reader, events = FeedReader(app.test_client(), limit), []
    while not all(writer.done() for writer in writers):
        events += reader.next_page()
    return [event["id"] for event in events + reader.new_events()]


def test_every_reader_gets_each_event_once_and_in_the_same_order(app, client, register):
    cars = [register(f"Car{number}") for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        writers = [pool.submit(write, app, car) for car in cars]
        readers = [pool.submit(read, app, writers, limit) for limit in (3, 1000)]
    assert [writer.result() for writer in writers] == [None] * WRITERS
    afterwards = FeedReader(client).new_events()
    for reader in readers:
        assert reader.result() == [event["id"] for event in afterwards]
    assert len(afterwards) == WRITERS * (1 + 3 * ORDERS)


def test_the_events_of_each_vehicle_are_in_the_order_of_its_changes(app, client, register):
    cars = [register(f"Car{number}") for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda car: write(app, car), cars))
    events = FeedReader(client, limit=7).new_events()
    for car in cars:
        pairs = [
            (event["kind"], event["data"].get("from_datetime")) for event in events if event["resource_id"] == car[-36:]
        ]
        expected = [
            (kind, hour_start(hour))
            for hour in range(ORDERS)
            for kind in ("allocated", "allocation_changed", "deallocated")
        ]
        assert pairs == [("resource_registered", None), *expected]
