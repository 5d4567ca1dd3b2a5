"""``any`` with attributes: values must be equal and of the same type; for example, "4" does not match 4."""

import uuid

import pytest

from tests.inventory.api.test_resources import BAD_ATTRIBUTES
from tests.support.hours_in_2099 import hour_start
from tests.support.tables import table_driven

ANY = "/api/cars/any"

CASES = [
    ({"seats": 4}, {"seats": 4}, True),
    ({"seats": 4}, {"seats": 5}, False),
    ({"seats": 4}, {"seats": "4"}, False),
    ({"seats": "4"}, {"seats": 4}, False),
    ({"seats": "4"}, {"seats": "4"}, True),
    ({"seats": 1}, {"seats": True}, False),
    ({"seats": 0}, {"seats": False}, False),
    ({"weight": 1.5}, {"weight": 1.5}, True),
    ({"weight": 1.5}, {"weight": 1}, False),
    ({"weight": 1.5}, {"weight": "1.5"}, False),
    ({"weight": 0.1}, {"weight": 0.1}, True),
    ({"n": 2**53 + 1}, {"n": 2**53 + 1}, True),
    ({"n": 2**53 + 1}, {"n": 2**53}, False),
    ({"n": 2**63 - 1}, {"n": 2**63 - 1}, True),
    ({"n": 2**63 - 1}, {"n": 2**63 - 2}, False),
    ({"electric": True}, {"electric": True}, True),
    ({"electric": True}, {"electric": False}, False),
    ({"electric": True}, {"electric": 1}, False),
    ({"electric": True}, {"electric": "true"}, False),
    ({"electric": "true"}, {"electric": True}, False),
    ({"electric": False}, {"electric": False}, True),
    ({"electric": False}, {"electric": 0}, False),
    ({"electric": False}, {"electric": ""}, False),
    ({"city": "Leeds"}, {"city": "leeds"}, False),
    ({"city": "Leeds"}, {"city": "Leeds "}, False),
    ({"city": "Leeds"}, {"city": "%"}, False),
    ({"city": ""}, {"city": ""}, True),
    ({"city": "größe 🚗 'x' \"y\" \\"}, {"city": "größe 🚗 'x' \"y\" \\"}, True),
    ({"city": "Leeds", "seats": 4}, {"city": "Leeds"}, True),
    ({"city": "Leeds", "seats": 4}, {"seats": 4, "city": "Leeds"}, True),
    ({"city": "Leeds", "seats": 4}, {"city": "Leeds", "seats": 5}, False),
    ({"city": "Leeds"}, {"city": "Leeds", "seats": 4}, False),
    ({"city": "Leeds"}, {"colour": "red"}, False),
    ({"city": "Leeds"}, {"City": "Leeds"}, False),
    ({"city": "Leeds"}, {}, True),
    ({}, {}, True),
    ({}, {"city": "Leeds"}, False),
    *[({key: 1}, {key: 1}, True) for key in ("engine.size", 'a"b', "it's", "a b", "é", "$.k", "k[0]", "\\", "%")],
    ({"a.b": 1}, {"a": 1}, False),
    ({"a": 1}, {"a.b": 1}, False),
]


@table_driven(("has", "requested", "matches"), CASES)
def test_only_a_vehicle_with_exactly_these_values_is_allocated(
    client, register, allocate, refused, nothing_changes, has, requested, matches
):
    car = register(str(uuid.uuid4()), attributes=has)
    if matches:
        created = allocate(ANY, hour_start(10), hour_start(12), attributes=requested)
        assert created.json["resource_id"] == car[-36:]
        assert client.delete(created.headers["Location"]).status_code == 204
    else:
        with nothing_changes():
            refused(allocate(ANY, hour_start(10), hour_start(12), attributes=requested), 409, "none_available")
    assert client.delete(car).status_code == 204


def test_only_the_matching_vehicles_of_many_are_allocated(register, allocate, refused):
    cars = [register(f"Car{n}", attributes={"city": ("Leeds", "York", "Bath")[n % 3], "n": n}) for n in range(9)]
    in_leeds = [
        allocate(ANY, hour_start(10), hour_start(12), attributes={"city": "Leeds"}).json["resource_id"]
        for _ in range(3)
    ]
    assert sorted(in_leeds) == sorted(car[-36:] for car in cars[::3])
    refused(allocate(ANY, hour_start(10), hour_start(12), attributes={"city": "Leeds"}), 409, "none_available")
    assert allocate(ANY, hour_start(10), hour_start(12), attributes={"n": 4}).json["resource_id"] == cars[4][-36:]


def test_a_vehicle_matches_by_its_current_attributes(client, register, allocate, refused):
    car = register("Car1", attributes={"city": "Leeds"})
    client.patch(car, json={"attributes": {"city": "York"}})
    refused(allocate(ANY, hour_start(10), hour_start(12), attributes={"city": "Leeds"}), 409, "none_available")
    assert allocate(ANY, hour_start(10), hour_start(12), attributes={"city": "York"}).status_code == 201


@pytest.mark.one_engine
@table_driven("attributes", BAD_ATTRIBUTES.values(), ids=BAD_ATTRIBUTES)
def test_attributes_that_no_vehicle_can_have_are_refused(car, allocate, refused, nothing_changes, attributes):
    with nothing_changes():
        refused(
            allocate(ANY, hour_start(10), hour_start(12), attributes=attributes), 422, "invalid_fields", "attributes"
        )
