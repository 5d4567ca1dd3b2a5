"""Readers of the feed beside writers: they miss nothing, they are told nothing twice, and all in the same order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.change_feed import FeedReader
from tests.support.instants import at, period_fields

pytestmark = pytest.mark.usefixtures("strict_reader")

WRITERS, ORDERS = 4, 12


def write(app, vehicle):
    """Make, change and delete allocations of one vehicle, one after the other."""
    client = app.test_client()
    for hour in range(ORDERS):
        made = client.post(f"{vehicle}/allocations", json=period_fields(hour, hour + 1)).headers["Location"]
        assert client.patch(made, json={"description": "changed"}).status_code == 200
        assert client.delete(made).status_code == 204


def read(app, writers, limit):
    """Follow the feed until every writer has finished and there is nothing left; gives the events' ids."""
    reader, told = FeedReader(app.test_client(), limit), []
    while not all(writer.done() for writer in writers):
        told += reader.next_page()
    return [one["id"] for one in told + reader.new_events()]


def test_every_reader_is_told_everything_once_and_in_the_same_order(app, client, register):
    cars = [register(f"Car{number}") for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        writers = [pool.submit(write, app, car) for car in cars]
        readers = [pool.submit(read, app, writers, limit) for limit in (3, 1000)]
    assert [writer.result() for writer in writers] == [None] * WRITERS
    afterwards = FeedReader(client).new_events()
    for reader in readers:
        assert reader.result() == [one["id"] for one in afterwards]
    assert len(afterwards) == WRITERS * (1 + 3 * ORDERS)


def test_each_vehicle_has_its_events_in_the_order_of_its_changes(app, client, register):
    cars = [register(f"Car{number}") for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda car: write(app, car), cars))
    told = FeedReader(client, limit=7).new_events()
    for car in cars:
        mine = [(one["kind"], one["data"].get("from_datetime")) for one in told if one["resource_id"] == car[-36:]]
        expected = [
            (kind, at(hour)) for hour in range(ORDERS) for kind in ("allocated", "allocation_changed", "deallocated")
        ]
        assert mine == [("resource_registered", None), *expected]
