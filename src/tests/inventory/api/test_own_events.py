"""A restricted client reads only the events of its own allocations, including events of changes by other clients."""

import pytest

from tests.support.change_feed import FeedReader
from tests.support.client_identity import client_as
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

FEED = "/api/events"


def summary(events):
    return [(event["kind"], event["allocation_id"], event["client_id"]) for event in events]


@pytest.fixture
def office(app):
    """A test client that sends a client id and may see all allocations."""
    return client_as(app, "office")


@pytest.fixture
def mixed_changes(client, one, two, office, car, register):
    """Create and change allocations of clients one and two and without an owner; return the ids of client one's."""
    other = register("Car2")
    urls = [
        maker.post(f"{car}/allocations", json=period_fields(hour, hour + 1)).headers["Location"]
        for hour, maker in enumerate((one, two, client, one))
    ]
    for url in urls:
        assert office.patch(url, json={"description": "checked"}).status_code == 200
    assert office.patch(urls[0], json={"resource_id": other[-36:]}).status_code == 200
    assert one.delete(urls[3]).status_code == 204
    assert office.delete(urls[0].replace(car, other)).status_code == 204
    return urls[0][-36:], urls[3][-36:]


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_client_reads_the_events_of_its_own_allocations(client, one, mixed_changes, limit):
    reader, (first, last) = FeedReader(one, limit), mixed_changes
    events = reader.new_events()
    assert summary(events) == [
        ("allocated", first, "one"),
        ("allocated", last, "one"),
        ("allocation_changed", first, "office"),
        ("allocation_changed", last, "office"),
        ("allocation_changed", first, "office"),
        ("deallocated", last, "one"),
        ("deallocated", first, "office"),
    ]
    same_events = [event for event in FeedReader(client).new_events() if event["allocation_id"] in {first, last}]
    assert [event["data"].pop("client_id") for event in same_events] == ["one"] * len(events)
    assert events == same_events
    assert reader.new_events() == []


def test_a_client_does_not_read_the_events_of_vehicles(one, office, car):
    url = one.post("/api/cars", json={"name": "Car2"}).headers["Location"]
    assert one.patch(url, json={"name": "Car3"}).status_code == 200
    assert one.delete(url).status_code == 204
    assert FeedReader(one).new_events() == []
    assert len(FeedReader(office).new_events()) == 4


def test_filters_never_show_more(one, two, car, mixed_changes):
    theirs = two.get("/api/cars/all/allocations").json[0]["id"]
    for filters in ({"allocation_id": theirs}, {"kind": "resource_registered"}, {"resource_type": "Lorry"}):
        assert FeedReader(one, **filters).new_events() == []
    of_car = FeedReader(one, resource_id=car[-36:], kind=["allocated", "deallocated"]).new_events()
    assert [event["kind"] for event in of_car] == ["allocated", "allocated", "deallocated"]


def test_the_cursor_passes_the_events_of_others(one, two, office, mixed_changes):
    reader = FeedReader(one)
    reader.new_events()
    two.post("/api/cars/any/allocations", json=period_fields(20, 21))
    assert reader.new_events() == []
    assert reader.cursor == office.get(f"{FEED}?after=now").json["next"] == one.get(f"{FEED}?after=now").json["next"]


def test_holds_that_end_by_themselves_keep_their_owner(app, one, two, office, car, register):
    other = register("Car2")
    hold = {**period_fields(10, 12), "hold_seconds": 600}
    expired = one.post(f"{car}/allocations", json=hold).json["id"]
    let_holds_expire(app)
    past = {"from_infinity": True, "to_datetime": "2020-01-01T00:00:00Z", "hold_seconds": 600}
    ended = one.post(f"{other}/allocations", json=past).json["id"]
    assert office.delete(other).status_code == 204
    expected = {("allocated", expired, "one"), ("allocated", ended, "one")}
    expected |= {("expired", expired, None), ("deallocated", ended, "office")}
    assert set(summary(FeedReader(one).new_events())) == expected
    assert FeedReader(two).new_events() == []


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
def test_several_allocations_have_their_owner_in_the_feed(one, two, register, key):
    for number in range(3):
        register(f"Car{number}")
    several = one.post("/api/cars/any/allocations", json={**period_fields(10, 12), "quantity": 2}, headers=key).json
    single = two.post("/api/cars/any/allocations", json=period_fields(10, 12), headers=key).json
    assert sorted(event["allocation_id"] for event in FeedReader(one).new_events()) == sorted(
        allocation["id"] for allocation in several
    )
    assert [event["allocation_id"] for event in FeedReader(two).new_events()] == [single["id"]]


def test_changes_by_the_owner_and_by_no_client_are_both_read(client, one, car):
    hold = one.post(f"{car}/allocations", json={**period_fields(10, 12), "hold_seconds": 60})
    url = hold.headers["Location"]
    for changer, change in ((one, {"status": "confirmed"}), (client, {"to_datetime": hour_start(13)})):
        assert changer.patch(url, json=change).status_code == 200
    assert summary(FeedReader(one).new_events()) == [
        ("allocated", hold.json["id"], "one"),
        ("confirmed", hold.json["id"], "one"),
        ("allocation_changed", hold.json["id"], None),
    ]
