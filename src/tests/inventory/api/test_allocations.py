"""Allocations: creating, reading and deleting them, and the valid values of their fields."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

FROM, TO = "2099-03-01T10:00:00Z", "2099-03-01T12:00:00Z"
PERIOD = {"from_datetime": FROM, "to_datetime": TO}
ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def test_a_create_returns_the_complete_allocation_with_defaults(client: FlaskClient, car: str) -> None:
    response = client.post(f"{car}/allocations", json=PERIOD)
    allocation = response.json
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"{car}/allocations/{allocation['id']}")
    assert response.headers["ETag"] == '"1"'
    assert abs(datetime.fromisoformat(allocation["created"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert allocation == {
        "id": allocation["id"],
        "created": allocation["created"],
        "resource_id": client.get(car).json["id"],
        "resource_type": "Car",
        **PERIOD,
        "from_infinity": False,
        "to_infinity": False,
        "allocation_type": "booking",
        "description": None,
        "reference": None,
        "dump": {},
        "version": 1,
        "status": "confirmed",
        "expires": None,
        "client_id": None,
    }


def test_an_allocation_is_the_same_at_all_urls(client: FlaskClient, car: str) -> None:
    fields = {"allocation_type": "maintenance", "description": "New tyres", "dump": {"order": [1, None, {"a": True}]}}
    allocation = client.post(f"{car}/allocations", json=PERIOD | fields).json
    assert {key: allocation[key] for key in fields} == fields
    for base in (car, "/api/cars/all"):
        assert client.get(f"{base}/allocations/{allocation['id']}").json == allocation
        assert client.get(f"{base}/allocations").json == [allocation]


GOOD = {
    "allocation_type": ["a", "x" * 20, "🚗" * 20, "any thing"],
    "description": [None, "", "x" * 100, "é" * 100, "🚗" * 100, "a\nb", "'; --"],
    "dump": [
        {},
        {"a": {"b": [1, 2.5, "x", None, True, [], {}]}},
        {"": "empty key", "é": "🚗", "a.b": "$x"},
        {"low": -(2**63), "high": 2**63 - 1, "tiny": 5e-324, "huge": 1.7976931348623157e308, "tenth": 0.1},
        {"whole": 1.0, "million": 1e6, "big": 1e22},
        {"x": "a" * 16_300},
    ],
}
BAD = {
    "allocation_type": ["", "x" * 21, "🚗" * 21, 1, True, [], {}],
    "description": ["x" * 101, "🚗" * 101, 1, True, [], {}],
    "dump": [[], "{}", 1, True, {"x": "a" * 16_385}, {"a" * 16_385: 1}, {"x": [0] * 9_000}, {"x": "é" * 9_000}],
}


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(field, value, id=f"{field}-{number}")
        for field, values in table.items()
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(("field", "value"), cases(GOOD))
def test_a_field_is_returned_as_it_was_sent(client: FlaskClient, car: str, field: str, value: object) -> None:
    response = client.post(f"{car}/allocations", json={**PERIOD, field: value})
    assert response.status_code == 201, response.text
    # Compare the JSON texts too, because 1, 1.0 and True are equal in Python.
    read = client.get(response.headers["Location"]).json[field]
    assert (read, repr_sorted(read)) == (value, repr_sorted(value))


def repr_sorted(value: object) -> str:
    return repr(sorted(value.items()) if isinstance(value, dict) else value)


@pytest.mark.one_engine
@table_driven(("field", "value"), cases(BAD))
def test_any_other_value_is_refused(
    client: FlaskClient,
    car: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    field: str,
    value: object,
) -> None:
    with nothing_changes():
        response = client.post(f"{car}/allocations", json={**PERIOD, field: value})
        refused(response, 422, "invalid_fields", field)


@pytest.mark.parametrize("via_all", [False, True])
def test_a_deleted_allocation_is_not_found_and_its_period_is_free(
    client: FlaskClient,
    car: str,
    booking: str,
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    via_all: bool,
) -> None:
    url = booking.replace(car, "/api/cars/all") if via_all else booking
    deleted = client.delete(url)
    assert (deleted.status_code, deleted.data) == (204, b"")
    for deleted_url in (booking, booking.replace(car, "/api/cars/all")):
        refused(client.get(deleted_url), 404, "allocation_not_found")
        refused(client.delete(deleted_url), 404, "allocation_not_found")
    assert client.get(f"{car}/allocations").json == client.get("/api/cars/all/allocations").json == []
    assert allocate(car, FROM, TO).status_code == 201


def test_deleting_one_allocation_leaves_the_others(
    client: FlaskClient, car: str, booking: str, allocate: Callable[..., TestResponse]
) -> None:
    other = allocate(car, TO, None).json
    client.delete(booking)
    assert client.get(f"{car}/allocations").json == [other]


def test_an_allocation_is_not_found_under_another_vehicle(
    client: FlaskClient,
    booking: str,
    register: Callable[..., str],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
) -> None:
    rest = booking[booking.index("/allocations") :]
    others = (register("Car2"), register("Lorry1", "lorries"), "/api/lorries/all", "/api/trucks/all")
    with nothing_changes():
        for other in others:
            refused(client.get(other + rest), 404, "allocation_not_found")
            refused(client.delete(other + rest), 404, "allocation_not_found")


@table_driven("vehicle", [f"/api/cars/{ANOTHER_ID}", "the car as a lorry"])
def test_an_unknown_vehicle_has_no_allocations(
    client: FlaskClient,
    car: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    vehicle: str,
) -> None:
    url = (vehicle if vehicle.startswith("/") else car.replace("cars", "lorries")) + "/allocations"
    with nothing_changes():
        refused(client.post(url, json=PERIOD), 404, "resource_not_found")
        refused(client.get(url), 404, "resource_not_found")


def test_two_vehicles_can_be_allocated_for_the_same_period(
    car: str, register: Callable[..., str], allocate: Callable[..., TestResponse]
) -> None:
    assert [allocate(vehicle, FROM, TO).status_code for vehicle in (car, register("Car2"))] == [201, 201]
