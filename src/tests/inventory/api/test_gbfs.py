"""The free periods of vehicles in the format of GBFS 3.1 (``vehicle_availability.json``)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from invsys.inventory.queries import exports as export_queries
from tests.support.tables import table_driven

URL = "/api/cars/gbfs/vehicle_availability.json"
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2098, 1, 1, tzinfo=UTC)
ID = "[!-~]+"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"

# The required and the optional members of a vehicle and of a slot; GBFS allows no others.
VEHICLE = ({"vehicle_id", "vehicle_type_id", "station_id", "availabilities"}, {"pricing_plan_id", "vehicle_equipment"})
SLOT = ({"from"}, {"until"})
EQUIPMENT = {"child_seat_a", "child_seat_b", "child_seat_c", "winter_tires", "snow_chains"}


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


@pytest.fixture
def feed(client):
    """Return a function that requests the document, checks that it conforms to the standard, and returns it."""

    def feed(url=URL):
        response = client.get(url)
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
        document = response.json
        assert set(document) == {"last_updated", "ttl", "version", "data"}
        assert re.fullmatch(INSTANT, document["last_updated"])
        # The standard allows data to be up to five minutes old.
        assert type(document["ttl"]) is int
        assert 0 <= document["ttl"] <= 300
        assert document["version"] == "3.1-RC3"
        assert set(document["data"]) == {"vehicles"}
        for vehicle in document["data"]["vehicles"]:
            check(vehicle, document["last_updated"])
        return document

    return feed


def check(vehicle, last_updated):
    has_members(vehicle, *VEHICLE)
    for name in {"vehicle_id", "vehicle_type_id", "station_id", "pricing_plan_id"} & set(vehicle):
        assert re.fullmatch(ID, vehicle[name])
    assert set(vehicle.get("vehicle_equipment", ["snow_chains"])) <= EQUIPMENT
    since = datetime.fromisoformat(last_updated)
    for slot in vehicle["availabilities"]:
        has_members(slot, *SLOT)
        assert all(re.fullmatch(INSTANT, instant) for instant in slot.values())
        # Slots are ordered and do not touch each other, and only the last one may have no end.
        assert since is not None
        start, end = (slot.get(side) and datetime.fromisoformat(slot[side]) for side in ("from", "until"))
        assert start >= since
        assert end is None or start < end
        since = end


def has_members(item, required, optional):
    assert required <= set(item) <= required | optional


@pytest.fixture
def slots(feed):
    """Return a function that returns the availabilities of the only car and ``last_updated`` of the document."""

    def slots():
        document = feed()
        (vehicle,) = document["data"]["vehicles"]
        return vehicle["availabilities"], document["last_updated"]

    return slots


@pytest.mark.through_gateway
def test_a_vehicle_without_allocations_is_free_from_now_on(car, slots):
    available, now = slots()
    assert available == [{"from": now}]


def test_a_collection_without_vehicles_has_an_empty_document(feed):
    assert feed()["data"]["vehicles"] == []


def test_last_updated_is_the_time_of_the_database(car, feed):
    updated = datetime.fromisoformat(feed()["last_updated"])
    assert abs(updated - datetime.now(UTC)) < timedelta(minutes=1)


# Days from 2 on are in the future even if the tests run past midnight.
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day_start(day):
    """Return midnight (UTC) of the day that is ``day`` days from today, as in responses; None stays None."""
    return None if day is None else f"{MIDNIGHT + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"


NOW = "now"


@pytest.mark.parametrize(
    ("busy", "available"),
    [
        ([(-9, -8)], [(NOW, None)]),
        ([(None, -8)], [(NOW, None)]),
        ([(-1, 2)], [(2, None)]),
        ([(None, 2)], [(2, None)]),
        ([(2, 3)], [(NOW, 2), (3, None)]),
        ([(2, None)], [(NOW, 2)]),
        ([(-1, None)], []),
        ([(None, None)], []),
        ([(2, 3), (3, 4)], [(NOW, 2), (4, None)]),
        ([(-1, 2), (2, 3), (5, None)], [(3, 5)]),
        ([(-9, -8), (2, 3), (5, 6)], [(NOW, 2), (3, 5), (6, None)]),
        ([(None, 2), (2, None)], []),
    ],
)
def test_a_vehicle_is_free_between_its_allocations(car, allocate, slots, busy, available):
    for start, end in reversed(busy):
        assert allocate(car, day_start(start), day_start(end)).status_code == 201
    actual, now = slots()
    periods = [(now if start is NOW else day_start(start), day_start(end)) for start, end in available]
    assert actual == [{"from": start} if end is None else {"from": start, "until": end} for start, end in periods]


def test_instants_include_microseconds(car, allocate, slots):
    allocate(car, "2098-01-01T10:00:00.000001Z", "2098-01-01T10:00:00.25Z")
    available, now = slots()
    assert available == [
        {"from": now, "until": "2098-01-01T10:00:00.000001Z"},
        {"from": "2098-01-01T10:00:00.250000Z"},
    ]


def test_a_hold_counts_until_it_expires(update_all_rows, car, allocate, slots):
    allocate(car, None, None)
    update_all_rows(ContinuousResourceAllocation, expires=FAR_AHEAD)
    assert slots()[0] == []
    update_all_rows(ContinuousResourceAllocation, expires=LONG_AGO)
    available, now = slots()
    assert available == [{"from": now}]


def test_vehicles_in_circulation_are_listed_oldest_first(client, register, feed):
    cars = [register(f"Car{number}") for number in range(3)]
    lorry = register("Lorry1", "lorries")
    client.delete(cars.pop(1))
    for url, vehicles in ((URL, cars), (URL.replace("cars", "lorries"), [lorry])):
        assert [vehicle["vehicle_id"] for vehicle in feed(url)["data"]["vehicles"]] == [
            path.rpartition("/")[2] for path in vehicles
        ]


def test_each_vehicle_has_its_own_availabilities(register, allocate, feed):
    cars = [register(f"Car{number}") for number in range(4)]
    for number in (1, 3):
        allocate(cars[number], day_start(number + 1), None)
    available = [vehicle["availabilities"] for vehicle in feed()["data"]["vehicles"]]
    assert [[slot.get("until") for slot in slots] for slots in available] == [
        [None],
        [day_start(2)],
        [None],
        [day_start(4)],
    ]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("attributes", "members"),
    [
        ({}, {"station_id": "cars"}),
        ({"station_id": "leeds-3"}, {"station_id": "leeds-3"}),
        # An ID consists of printable ASCII characters without spaces.
        ({"station_id": "Leeds 3"}, {"station_id": "cars"}),
        ({"station_id": "Köln"}, {"station_id": "cars"}),
        ({"station_id": ""}, {"station_id": "cars"}),
        ({"station_id": 3}, {"station_id": "cars"}),
        ({"station_id": True}, {"station_id": "cars"}),
        ({"pricing_plan_id": "plan3"}, {"station_id": "cars", "pricing_plan_id": "plan3"}),
        ({"pricing_plan_id": "plan 3"}, {"station_id": "cars"}),
        ({"pricing_plan_id": 3}, {"station_id": "cars"}),
        (
            {"vehicle_equipment": "snow_chains,child_seat_a"},
            {"station_id": "cars", "vehicle_equipment": ["snow_chains", "child_seat_a"]},
        ),
        (
            {"vehicle_equipment": "winter_tires, a jacuzzi"},
            {"station_id": "cars", "vehicle_equipment": ["winter_tires"]},
        ),
        ({"vehicle_equipment": "a jacuzzi"}, {"station_id": "cars"}),
        ({"vehicle_equipment": 4}, {"station_id": "cars"}),
        ({"city": "Leeds", "vehicle_id": "x", "availabilities": "none"}, {"station_id": "cars"}),
    ],
)
def test_attributes_appear_if_the_standard_has_a_member_for_them(register, feed, attributes, members):
    url = register("Car1", attributes=attributes)
    (vehicle,) = feed()["data"]["vehicles"]
    del vehicle["availabilities"]
    assert vehicle == {"vehicle_id": url.rpartition("/")[2], "vehicle_type_id": "Car", **members}


@pytest.mark.one_engine
@pytest.mark.parametrize("environ", [{"INVSYS_RESOURCE_TYPES_VANS": "Größerer Wagen"}], indirect=True)
def test_a_type_that_is_not_a_valid_id_is_replaced_by_its_collection(register, feed):
    register("Van1", "vans")
    (vehicle,) = feed(URL.replace("cars", "vans"))["data"]["vehicles"]
    assert (vehicle["vehicle_type_id"], vehicle["station_id"]) == ("vans", "vans")


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_the_response_is_json_for_any_accept_header(client, car):
    for accept in ("application/xml", "text/html", "image/png", "nonsense"):
        assert client.get(URL, headers={"Accept": accept}).mimetype == "application/json"


@pytest.mark.one_engine
def test_a_query_is_refused(client, refused):
    refused(client.get(f"{URL}?from=2026-11-20T10:00:00Z"), 422, "invalid_fields", "from")


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("path", ["/api/vans/gbfs/vehicle_availability.json", "/api/cars/gbfs", "/api/cars/gbfs/x"])
def test_other_gbfs_paths_are_not_found(client, refused, path):
    refused(client.get(path), 404, "not_found")


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_the_document_refuses_other_methods(client, refused):
    refused(client.post(URL, json={}), 405, "method_not_allowed")


@pytest.fixture
def large_fleet(app, register):
    """Three cars, each with 1,200 allocations, which is more than one fetch returns."""
    for number in range(3):
        register(f"Car{number}")
    with app.app_context(), db.engine.begin() as connection:
        for key in connection.scalars(select(ContinuousResource.key)).all():
            hours = [FAR_AHEAD + timedelta(hours=2 * number) for number in range(1200)]
            periods = [{"resource_key": key, "starts": hour, "ends": hour + timedelta(hours=1)} for hour in hours]
            connection.execute(insert(ContinuousResourceAllocation), periods)


def test_all_of_large_fleet_availabilities_are_listed(feed, large_fleet):
    for vehicle in feed()["data"]["vehicles"]:
        available = vehicle["availabilities"]
        assert len(available) == 1201
        assert datetime.fromisoformat(available[1]["from"]) == FAR_AHEAD + timedelta(hours=1)


def test_the_document_shows_one_consistent_state(app, client, large_fleet):
    with app.app_context(), export_queries.not_ended("Car") as (_, vehicles):
        counts = [len(next(vehicles)[1])]
        # Change everything while the export is being read.
        assert client.post("/api/cars", json={"name": "Another"}).status_code == 201
        with db.engine.begin() as connection:
            connection.execute(delete(ContinuousResourceAllocation))
        counts += [len(periods) for _, periods in vehicles]
    assert counts == [1200] * 3
