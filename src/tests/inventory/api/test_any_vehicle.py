"""``any``: one request allocates any free vehicle, so that clients need not search and retry."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.hours_in_2099 import FOUR, hour_start, let_holds_expire, period_fields
from tests.support.tables import table_driven

ANY = "/api/cars/any"
PERIOD = period_fields(10, 12)


@pytest.fixture
def environ(environ, request):
    return environ | getattr(request, "param", {})


def test_the_response_is_the_same_as_for_a_named_vehicle(client, car, allocate):
    fields = {"description": "Any will do", "dump": {"order": [1]}, "allocation_type": "service"}
    response = allocate(ANY, hour_start(10), hour_start(12), **fields)
    assert response.status_code == 201, response.text
    assert {key: response.json[key] for key in (*fields, *FOUR)} == fields | PERIOD
    assert (response.json["resource_id"], response.json["status"]) == (car[-36:], "confirmed")
    assert response.headers["Location"].endswith(f"{car}/allocations/{response.json['id']}")
    read = client.get(response.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (response.json, response.headers["ETag"])
    assert client.get("/api/cars/all/allocations").json == [response.json]


def test_the_only_free_vehicle_is_found_even_between_allocations(register, allocate):
    for number, busy in enumerate([(10, 12), (9, 11), (11, None), (None, 11), (None, None)]):
        allocate(register(f"Busy{number}"), hour_start(busy[0]), hour_start(busy[1]))
    free = register("Free")
    for start, end in ((None, 8), (8, 10), (12, 13), (13, None)):
        allocate(free, hour_start(start), hour_start(end))
    assert allocate(ANY, hour_start(10), hour_start(12)).json["resource_id"] == free[-36:]


def test_each_vehicle_is_allocated_once_until_none_is_free(register, allocate, refused, nothing_changes):
    cars = sorted(register(f"Car{number}")[-36:] for number in range(5))
    assert sorted(allocate(ANY, hour_start(10), hour_start(12)).json["resource_id"] for _ in cars) == cars
    with nothing_changes():
        refused(allocate(ANY, hour_start(11), hour_start(13)), 409, "none_available")
    assert allocate(ANY, hour_start(12), hour_start(13)).status_code == 201


def test_without_any_vehicle_none_is_available(allocate, refused):
    refused(allocate(ANY, None, None), 409, "none_available")


def test_each_collection_allocates_its_own_vehicles(client, car, register, allocate, refused):
    refused(allocate("/api/lorries/any", hour_start(10), hour_start(12)), 409, "none_available")
    lorry = register("Lorry1", "lorries")
    response = allocate("/api/lorries/any", hour_start(10), hour_start(12))
    assert (response.json["resource_id"], response.json["resource_type"]) == (lorry[-36:], "Lorry")
    assert response.headers["Location"].endswith(f"{lorry}/allocations/{response.json['id']}")
    refused(allocate("/api/lorries/any", hour_start(10), hour_start(12)), 409, "none_available")
    refused(allocate("/api/vans/any", hour_start(10), hour_start(12)), 404, "not_found")
    assert client.get(f"{car}/allocations").json == []


def test_a_decommissioned_vehicle_is_not_allocated(client, car, allocate, refused):
    client.delete(car)
    refused(allocate(ANY, hour_start(10), hour_start(12)), 409, "none_available")


def test_a_hold_blocks_its_vehicle_until_it_expires(app, car, allocate, refused):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    refused(allocate(ANY, hour_start(11), hour_start(13)), 409, "none_available")
    let_holds_expire(app)
    assert allocate(ANY, hour_start(11), hour_start(13)).json["resource_id"] == car[-36:]


def test_any_vehicle_can_be_held(allocate, car, refused):
    response = allocate(ANY, hour_start(10), hour_start(12), hold_seconds=60)
    assert (response.status_code, response.json["status"]) == (201, "held")
    assert response.json["expires"].endswith("Z")
    refused(allocate(car, hour_start(10), hour_start(12)), 409, "period_taken")


def test_the_allocations_are_spread_over_the_fleet(register, allocate):
    for number in range(20):
        register(f"Car{number}")
    vehicles = [allocate(ANY, hour_start(hour), hour_start(hour + 1)).json["resource_id"] for hour in range(20)]
    assert len(set(vehicles)) > 1


@pytest.mark.parametrize("environ", [{"INVSYS_API_ANY_STRATEGY": "best_fit"}], indirect=True, ids=["best_fit"])
def test_best_fit_chooses_the_tightest_gap_first(register, allocate):
    gaps = {"wide": [(None, 4), (20, None)], "open": [], "tight": [(None, 9), (13, None)]}
    gaps |= {"half": [(None, 9)], "busy": [(11, 12)]}
    names = {}
    for name, busy in gaps.items():
        car = register(name)
        names[car[-36:]] = name
        for start, end in busy:
            allocate(car, hour_start(start), hour_start(end))
    vehicles = [allocate(ANY, hour_start(10), hour_start(12)).json["resource_id"] for _ in range(4)]
    assert [names[car] for car in vehicles] == ["tight", "wide", "half", "open"]


BAD = [
    ("from_datetime", {"from_datetime": "tomorrow"}),
    ("to_datetime", {"to_datetime": hour_start(10)}),
    ("to_infinity", {"to_infinity": "yes"}),
    ("allocation_type", {"allocation_type": ""}),
    ("description", {"description": "x" * 101}),
    ("dump", {"dump": []}),
    ("hold_seconds", {"hold_seconds": 0}),
    ("resource_id", {"resource_id": "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"}),
    ("name", {"name": "Car1"}),
    ("status", {"status": "held"}),
    ("colour", {"colour": "red"}),
]


@pytest.mark.one_engine
@table_driven(("field", "fields"), BAD)
def test_an_invalid_field_is_named_and_nothing_is_allocated(client, car, refused, nothing_changes, field, fields):
    with nothing_changes():
        errors = refused(client.post(f"{ANY}/allocations", json=PERIOD | fields), 422, "invalid_fields")["errors"]
    assert field in errors


@pytest.mark.one_engine
@pytest.mark.parametrize("field", ["attributes", "quantity"])
def test_fields_for_choosing_a_vehicle_are_refused_for_a_named_one(car, allocate, refused, nothing_changes, field):
    value = {"attributes": {}, "quantity": 2}[field]
    with nothing_changes():
        refused(allocate(car, hour_start(10), hour_start(12), **{field: value}), 422, "invalid_fields", field)


@pytest.mark.one_engine
def test_the_body_must_be_one_json_object(client, car, refused, nothing_changes):
    with nothing_changes():
        refused(client.post(f"{ANY}/allocations", data=b"[]", content_type="application/json"), 400, "malformed_body")
        refused(client.post(f"{ANY}/allocations", data=b"{}"), 415, "unsupported_media_type")


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, car):
    xml = {"Accept": "application/xml"}
    response = client.post(f"{ANY}/allocations", json=PERIOD, headers=xml)
    assert (response.status_code, ET.fromstring(response.data).tag) == (201, "allocation")
    assert response.data == client.get(response.headers["Location"], headers=xml).data
    none = client.post(f"{ANY}/allocations", json=PERIOD, headers=xml)
    assert (none.status_code, none.mimetype) == (409, "application/problem+xml")
    assert "none_available" in none.text
