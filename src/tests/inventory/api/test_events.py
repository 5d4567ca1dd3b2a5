"""The change feed: each kind of event, what it says of its change, and that there is none without a change."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.change_feed import FeedReader
from tests.support.instants import at, let_holds_expire, period_fields

FIELDS = {"id", "at", "kind", "resource_type", "resource_id", "allocation_id", "client_id", "data"}


@pytest.fixture
def reader(client):
    return FeedReader(client)


@pytest.fixture
def event(caller_id):
    """Give what an event must say, beside its id and its time."""

    def event(kind, data):
        is_allocation = "resource_id" in data
        return {
            "kind": kind,
            "resource_type": data["resource_type"],
            "resource_id": data["resource_id"] if is_allocation else data["id"],
            "allocation_id": data["id"] if is_allocation else None,
            "client_id": caller_id,
            "data": data,
        }

    return event


def said(events):
    return [{key: value for key, value in one.items() if key not in {"id", "at"}} for one in events]


def without_expires(one):
    """Leave out what the tests themselves move."""
    return one | {"data": {key: value for key, value in one["data"].items() if key != "expires"}}


def test_an_event_has_an_id_and_an_instant_of_its_own(reader, car, booking):
    told = reader.new_events()
    assert [set(one) for one in told] == [FIELDS] * 2
    ids = {one["id"] for one in told}
    assert len(ids) == 2
    assert ids == {str(UUID(each)) for each in ids}
    instants = [datetime.fromisoformat(one["at"]) for one in told]
    assert all(one["at"].endswith("Z") for one in told)
    assert instants == sorted(instants)
    assert all(abs(instant - datetime.now(UTC)) < timedelta(minutes=1) for instant in instants)


def test_the_story_of_a_vehicle(client, reader, register, event):
    car = register("Car1", attributes={"seats": 4, "weight": 1.0})
    first = client.get(car).json
    assert said(reader.new_events()) == [event("resource_registered", first)]
    changed = client.patch(car, json={"name": "Car2", "attributes": {}}).json
    assert said(reader.new_events()) == [event("resource_changed", changed)]
    client.delete(car)
    assert said(reader.new_events()) == [event("resource_decommissioned", changed)]
    assert said(FeedReader(client).new_events()) == [
        event("resource_registered", first),
        event("resource_changed", changed),
        event("resource_decommissioned", changed),
    ]


@pytest.mark.parametrize("via_all", [False, True], ids=["its vehicle", "all"])
def test_the_story_of_an_allocation(client, reader, car, register, allocate, via_all, event):
    other = register("Car2")
    reader.new_events()
    made = allocate(car, at(10), at(12), dump={"a": [1, 1.0, 1e22, None, "é"]}, description="<New>")
    url = f"/api/cars/all/allocations/{made.json['id']}" if via_all else made.headers["Location"]
    assert said(reader.new_events()) == [event("allocated", client.get(url).json)]
    changed = client.patch(url, json={"to_infinity": True, "description": None, "resource_id": other[-36:]}).json
    assert said(reader.new_events()) == [event("allocation_changed", changed)]
    client.delete(f"{'/api/cars/all' if via_all else other}/allocations/{made.json['id']}")
    assert said(reader.new_events()) == [event("deallocated", changed)]
    client.delete(car)
    client.delete(other)
    assert [one["kind"] for one in FeedReader(client).new_events() if one["allocation_id"]] == [
        "allocated",
        "allocation_changed",
        "deallocated",
    ]


def test_the_story_of_a_hold(client, reader, car, allocate, event):
    reader.new_events()
    url = allocate(car, at(10), at(12), hold_seconds=60).headers["Location"]
    held = client.get(url).json
    extended = client.patch(url, json={"hold_seconds": 3600}).json
    confirmed = client.patch(url, json={"status": "confirmed", "to_datetime": at(13)}).json
    moved = client.patch(url, json={"to_datetime": at(12)}).json
    assert said(reader.new_events()) == [
        event("allocated", held),
        event("allocation_changed", extended),
        event("confirmed", confirmed),
        event("allocation_changed", moved),
    ]


def test_numbers_are_told_as_they_were_given(client, reader, car, allocate):
    dump = {"whole": 1.0, "big": 1e22, "tiny": 5e-324, "high": 2**63 - 1, "true": True}
    allocate(car, None, None, dump=dump)
    told = reader.new_events()[-1]["data"]["dump"]
    assert {key: repr(told[key]) for key in dump} == {key: repr(value) for key, value in dump.items()}


def test_events_are_json_inside_whatever_the_change_was_answered_in(client, reader, car, event):
    client.post(f"{car}/allocations", json=period_fields(10, 12), headers={"Accept": "application/xml"})
    [made] = client.get(f"{car}/allocations").json
    assert said(reader.new_events())[-1] == event("allocated", made)


def test_any_and_several_are_told_one_by_one(client, reader, register, allocate, event):
    for number in range(4):
        register(f"Car{number}")
    reader.new_events()
    one = allocate("/api/cars/any", at(10), at(12)).json
    assert said(reader.new_events()) == [event("allocated", one)]
    three = allocate("/api/cars/any", at(10), at(12), quantity=3).json
    told = sorted(said(reader.new_events()), key=lambda each: each["allocation_id"])
    assert told == [event("allocated", each) for each in sorted(three, key=lambda each: each["id"])]


def new_allocation(client, car):
    return client.post(f"{car}/allocations", json=period_fields(9, 11))


def any_vehicle(client, car):
    return client.post("/api/cars/any/allocations", json=period_fields(9, 11))


def change(client, car):
    [other] = client.get(f"{car}/allocations").json
    return client.patch(f"{car}/allocations/{other['id']}", json=period_fields(9, 11))


@pytest.mark.parametrize(
    ("order", "kind"), [(new_allocation, "allocated"), (any_vehicle, "allocated"), (change, "allocation_changed")]
)
def test_an_expired_hold_is_told_of_when_it_is_cleared_away(app, client, reader, car, allocate, order, kind, event):
    held = allocate(car, at(10), at(12), hold_seconds=60).json
    allocate(car, at(20), at(21))
    # To read on afterwards would itself clear the hold.
    reader.new_events()
    let_holds_expire(app)
    done = order(client, car).json
    told = said(reader.new_events())
    assert [without_expires(told[0]), told[1:]] == [
        without_expires({**event("expired", held), "client_id": None}),
        [event(kind, done)],
    ]


def test_an_expired_hold_is_told_of_only_once(app, client, reader, car, allocate):
    allocate(car, at(10), at(12), hold_seconds=60)
    let_holds_expire(app)
    for _ in range(2):
        allocate(car, at(10), at(12))
        client.get(f"{car}/allocations")
    assert [one["kind"] for one in reader.new_events()].count("expired") == 1


@pytest.mark.direct("says itself who it is")
def test_the_client_is_told_where_the_gateway_names_it(client, reader, car):
    def by(client_id, **where):
        headers = {"X-Client-Id": client_id} if client_id else {}
        made = client.post("/api/cars/any/allocations", json=period_fields(10, 12), headers=headers, **where)
        assert client.delete(made.headers["Location"], headers=headers, **where).status_code == 204
        return [one["client_id"] for one in reader.new_events() if one["allocation_id"] == made.json["id"]]

    assert by("monolith") == ["monolith"] * 2
    assert by("x" * 255) == ["x" * 255] * 2
    assert by(None) == [None] * 2
    assert by("monolith", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [None] * 2


def test_a_vehicle_goes_after_its_expired_holds(app, client, reader, car, allocate):
    allocate(car, at(10), at(12), hold_seconds=60)
    let_holds_expire(app)
    assert client.delete(car).status_code == 204
    assert [one["kind"] for one in reader.new_events()][-2:] == ["expired", "resource_decommissioned"]
