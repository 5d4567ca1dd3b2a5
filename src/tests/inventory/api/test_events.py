"""The change feed: the kinds of events, and what each event contains."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

FIELDS = {"id", "at", "kind", "resource_type", "resource_id", "allocation_id", "client_id", "request_id", "data"}


@pytest.fixture
def reader(client):
    return FeedReader(client)


@pytest.fixture
def event(caller_id):
    """Return a function that returns the expected event of a kind, without its id, time and request id."""

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


def without_id_and_time(events):
    generated = {"id", "at", "request_id"}
    return [{key: value for key, value in event.items() if key not in generated} for event in events]


def without_expires(event):
    """Return the event without ``expires``, because the tests change the expiry of holds in the database."""
    return event | {"data": {key: value for key, value in event["data"].items() if key != "expires"}}


def test_an_event_has_a_unique_id_and_a_time(reader, car, booking):
    events = reader.new_events()
    assert [set(event) for event in events] == [FIELDS] * 2
    ids = {event["id"] for event in events}
    assert len(ids) == 2
    assert ids == {str(UUID(event_id)) for event_id in ids}
    instants = [datetime.fromisoformat(event["at"]) for event in events]
    assert all(event["at"].endswith("Z") for event in events)
    assert instants == sorted(instants)
    assert all(abs(instant - datetime.now(UTC)) < timedelta(minutes=1) for instant in instants)


def test_a_vehicle_is_registered_changed_and_decommissioned(client, reader, register, event):
    car = register("Car1", attributes={"seats": 4, "weight": 1.0})
    first = client.get(car).json
    assert without_id_and_time(reader.new_events()) == [event("resource_registered", first)]
    changed = client.patch(car, json={"name": "Car2", "attributes": {}}).json
    assert without_id_and_time(reader.new_events()) == [event("resource_changed", changed)]
    client.delete(car)
    assert without_id_and_time(reader.new_events()) == [event("resource_decommissioned", changed)]
    assert without_id_and_time(FeedReader(client).new_events()) == [
        event("resource_registered", first),
        event("resource_changed", changed),
        event("resource_decommissioned", changed),
    ]


@pytest.mark.parametrize("via_all", [False, True], ids=["its vehicle", "all"])
def test_an_allocation_is_created_changed_and_deleted(client, reader, car, register, allocate, via_all, event):
    other = register("Car2")
    reader.new_events()
    created = allocate(car, hour_start(10), hour_start(12), dump={"a": [1, 1.0, 1e22, None, "é"]}, description="<New>")
    url = f"/api/cars/all/allocations/{created.json['id']}" if via_all else created.headers["Location"]
    assert without_id_and_time(reader.new_events()) == [event("allocated", client.get(url).json)]
    changed = client.patch(url, json={"to_infinity": True, "description": None, "resource_id": other[-36:]}).json
    assert without_id_and_time(reader.new_events()) == [event("allocation_changed", changed)]
    client.delete(f"{'/api/cars/all' if via_all else other}/allocations/{created.json['id']}")
    assert without_id_and_time(reader.new_events()) == [event("deallocated", changed)]
    client.delete(car)
    client.delete(other)
    assert [event["kind"] for event in FeedReader(client).new_events() if event["allocation_id"]] == [
        "allocated",
        "allocation_changed",
        "deallocated",
    ]


def test_a_hold_is_created_extended_and_confirmed(client, reader, car, allocate, event):
    reader.new_events()
    url = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    hold = client.get(url).json
    extended = client.patch(url, json={"hold_seconds": 3600}).json
    confirmed = client.patch(url, json={"status": "confirmed", "to_datetime": hour_start(13)}).json
    moved = client.patch(url, json={"to_datetime": hour_start(12)}).json
    assert without_id_and_time(reader.new_events()) == [
        event("allocated", hold),
        event("allocation_changed", extended),
        event("confirmed", confirmed),
        event("allocation_changed", moved),
    ]


def test_numbers_in_events_are_exact(client, reader, car, allocate):
    dump = {"whole": 1.0, "big": 1e22, "tiny": 5e-324, "high": 2**63 - 1, "true": True}
    allocate(car, None, None, dump=dump)
    data = reader.new_events()[-1]["data"]["dump"]
    assert {key: repr(data[key]) for key in dump} == {key: repr(value) for key, value in dump.items()}


def test_events_do_not_depend_on_the_format_of_the_changes_response(client, reader, car, event):
    client.post(f"{car}/allocations", json=period_fields(10, 12), headers={"Accept": "application/xml"})
    [allocation] = client.get(f"{car}/allocations").json
    assert without_id_and_time(reader.new_events())[-1] == event("allocated", allocation)


def test_each_allocation_of_any_vehicle_has_its_own_event(client, reader, register, allocate, event):
    for number in range(4):
        register(f"Car{number}")
    reader.new_events()
    one = allocate("/api/cars/any", hour_start(10), hour_start(12)).json
    assert without_id_and_time(reader.new_events()) == [event("allocated", one)]
    three = allocate("/api/cars/any", hour_start(10), hour_start(12), quantity=3).json
    events = sorted(without_id_and_time(reader.new_events()), key=lambda event: event["allocation_id"])
    assert events == [event("allocated", row) for row in sorted(three, key=lambda row: row["id"])]


def new_allocation(client, car):
    return client.post(f"{car}/allocations", json=period_fields(9, 11))


def any_vehicle(client, car):
    return client.post("/api/cars/any/allocations", json=period_fields(9, 11))


def change(client, car):
    [other] = client.get(f"{car}/allocations").json
    return client.patch(f"{car}/allocations/{other['id']}", json=period_fields(9, 11))


@pytest.mark.parametrize(
    ("send_change", "kind"), [(new_allocation, "allocated"), (any_vehicle, "allocated"), (change, "allocation_changed")]
)
def test_the_event_of_an_expired_hold_comes_before_that_of_the_change(
    app, client, reader, car, allocate, send_change, kind, event
):
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).json
    allocate(car, hour_start(20), hour_start(21))
    # Read the feed before the hold expires: afterwards, reading the feed would itself write the event.
    reader.new_events()
    let_holds_expire(app)
    changed = send_change(client, car).json
    events = without_id_and_time(reader.new_events())
    assert [without_expires(events[0]), events[1:]] == [
        without_expires({**event("expired", hold), "client_id": None}),
        [event(kind, changed)],
    ]


def test_an_expired_hold_has_only_one_event(app, client, reader, car, allocate):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    let_holds_expire(app)
    for _ in range(2):
        allocate(car, hour_start(10), hour_start(12))
        client.get(f"{car}/allocations")
    assert [event["kind"] for event in reader.new_events()].count("expired") == 1


def test_an_event_names_the_client_that_the_gateway_reports(client, reader, car):
    def client_ids(client_id, **options):
        headers = {"X-Client-Id": client_id} if client_id else {}
        created = client.post("/api/cars/any/allocations", json=period_fields(10, 12), headers=headers, **options)
        assert client.delete(created.headers["Location"], headers=headers, **options).status_code == 204
        return [event["client_id"] for event in reader.new_events() if event["allocation_id"] == created.json["id"]]

    assert client_ids("monolith") == ["monolith"] * 2
    assert client_ids("x" * 255) == ["x" * 255] * 2
    assert client_ids(None) == [None] * 2
    assert client_ids("monolith", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [None] * 2


def test_a_decommissioning_comes_after_the_events_of_expired_holds(app, client, reader, car, allocate):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    let_holds_expire(app)
    assert client.delete(car).status_code == 204
    assert [event["kind"] for event in reader.new_events()][-2:] == ["expired", "resource_decommissioned"]
