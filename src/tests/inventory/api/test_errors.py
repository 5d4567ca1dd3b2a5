"""Error responses: each code has its additional members, and internal errors reveal no internals."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
CONFLICT_FIELDS = {"id", "from_datetime", "to_datetime", "from_infinity", "to_infinity", "allocation_type", "version"}


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven(
    "path",
    [
        "/api",
        "/api/",
        "/nowhere",
        "/api/cars/",
        f"/api/cars/{ANOTHER_ID}/",
        "/api/cars/all",
        "/api/cars/all/allocations/",
        f"/api/cars/{ANOTHER_ID}/nothing",
        f"/api/cars/{ANOTHER_ID}/allocations/{ANOTHER_ID}/x",
    ],
)
def test_an_unknown_path_is_not_found(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    refused(client.get(path), 404, "not_found")


@pytest.mark.through_gateway
def test_an_unknown_vehicle_is_not_found(client: FlaskClient, refused: Callable[..., Any]) -> None:
    refused(client.get(f"/api/cars/{ANOTHER_ID}"), 404, "resource_not_found")
    refused(client.delete(f"/api/cars/{ANOTHER_ID}"), 404, "resource_not_found")


@pytest.mark.through_gateway
@table_driven("collection", ["lorries", "trucks"])
def test_a_vehicle_is_not_found_in_another_collection(
    client: FlaskClient, car: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any], collection: str
) -> None:
    with nothing_changes():
        refused(client.get(car.replace("cars", collection)), 404, "resource_not_found")
        refused(client.delete(car.replace("cars", collection)), 404, "resource_not_found")


@pytest.mark.through_gateway
def test_an_unknown_allocation_is_not_found(client: FlaskClient, car: str, refused: Callable[..., Any]) -> None:
    for base in (car, "/api/cars/all"):
        refused(client.get(f"{base}/allocations/{ANOTHER_ID}"), 404, "allocation_not_found")
        refused(client.delete(f"{base}/allocations/{ANOTHER_ID}"), 404, "allocation_not_found")


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven(
    ("path", "allowed", "others"),
    [
        ("/api/cars", {"GET", "POST"}, ["PUT", "DELETE", "TRACE", "BREW"]),
        (f"/api/cars/{ANOTHER_ID}", {"GET", "DELETE"}, ["PUT", "POST"]),
        (f"/api/cars/{ANOTHER_ID}/allocations", {"GET", "POST"}, ["PUT", "DELETE"]),
        (f"/api/cars/{ANOTHER_ID}/allocations/{ANOTHER_ID}", {"GET", "DELETE"}, ["PUT", "POST"]),
        ("/api/cars/all/allocations", {"GET"}, ["PUT", "POST", "DELETE"]),
        (f"/api/cars/all/allocations/{ANOTHER_ID}", {"GET", "DELETE"}, ["PUT", "POST"]),
        ("/healthz", {"GET"}, ["POST", "DELETE"]),
        ("/readyz", {"GET"}, ["POST", "DELETE"]),
        ("/metrics", {"GET"}, ["POST", "DELETE"]),
    ],
)
def test_another_method_is_refused_with_the_allowed_methods(
    client: FlaskClient, refused: Callable[..., Any], path: str, allowed: set[str], others: list[str]
) -> None:
    for method in others:
        response = client.open(path, method=method)
        refused(response, 405, "method_not_allowed")
        allow = set(response.headers["Allow"].replace(" ", "").split(","))
        assert allowed <= allow
        assert method not in allow


@pytest.mark.one_engine
def test_an_unknown_collection_is_not_found_with_any_method(client: FlaskClient, refused: Callable[..., Any]) -> None:
    for method in ("PUT", "DELETE"):
        refused(client.open("/api/vans", method=method), 404, "not_found")


@pytest.mark.through_gateway
def test_a_conflict_names_the_other_allocation(
    client: FlaskClient, car: str, booking: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any]
) -> None:
    allocate(car, "2099-03-01T12:00:00Z", None, allocation_type="maintenance")
    body = refused(allocate(car, "2099-03-01T11:00:00Z", "2099-03-01T12:00:00Z"), 409, "period_taken")
    [conflict] = body["conflicts"]
    assert conflict == {key: value for key, value in client.get(booking).json.items() if key in CONFLICT_FIELDS}
    assert set(conflict) == CONFLICT_FIELDS


def day(number: int) -> str:
    return f"2099-03-{number:02}T00:00:00Z"


@pytest.mark.through_gateway
def test_at_most_ten_conflicts_are_named_ordered_by_start(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any]
) -> None:
    for number in (7, 3, 12, 9, 1, 11, 5, 2, 10, 8, 6, 4):
        allocate(car, day(number), day(number + 1))
    allocate(car, None, day(1))
    earliest = client.get(f"{car}/allocations").json[:10]
    assert earliest[0]["from_infinity"]
    for response, code in ((allocate(car, None, None), "period_taken"), (client.delete(car), "resource_in_use")):
        conflicts = refused(response, 409, code)["conflicts"]
        assert [conflict["id"] for conflict in conflicts] == [allocation["id"] for allocation in earliest]


def test_only_overlapping_allocations_are_named(
    car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any]
) -> None:
    ids = [allocate(car, day(number), day(number + 1)).json["id"] for number in range(1, 6)]
    conflicts = refused(allocate(car, day(2), day(5)), 409, "period_taken")["conflicts"]
    assert [conflict["id"] for conflict in conflicts] == ids[1:4]


@pytest.mark.through_gateway
def test_a_vehicle_in_use_names_only_allocations_that_have_not_ended(
    client: FlaskClient, car: str, booking: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any]
) -> None:
    allocate(car, None, "2020-01-01T00:00:00Z")
    [conflict] = refused(client.delete(car), 409, "resource_in_use")["conflicts"]
    assert conflict == {key: value for key, value in client.get(booking).json.items() if key in CONFLICT_FIELDS}


def test_allocations_of_other_vehicles_are_not_named(
    car: str, booking: str, register: Callable[..., str], allocate: Callable[..., TestResponse], refused: Any
) -> None:
    other = register("Car2")
    conflict_id = allocate(other, "2099-03-01T10:00:00Z", "2099-03-01T12:00:00Z").json["id"]
    conflicts = refused(allocate(other, None, None), 409, "period_taken")["conflicts"]
    assert [conflict["id"] for conflict in conflicts] == [conflict_id]


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("path", ["/api/cars", "/api/cars/all/allocations"])
@table_driven(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("Limit=1", "Limit"),
        ("=", ""),
        ("limit=1&limit=2", "limit"),
        ("limit=1&limit=1", "limit"),
        ("cursor=&cursor=", "cursor"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
    ],
)
def test_an_invalid_query_parameter_is_named(
    client: FlaskClient, refused: Callable[..., Any], path: str, query: str, field: str
) -> None:
    refused(client.get(f"{path}?{query}"), 422, "invalid_fields", field)


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven(
    ("path", "query", "field"),
    [
        ("/api/cars", "name=a&name=b", "name"),
        ("/api/cars", "from=2026-01-01T00:00:00Z", "from"),
        ("/api/cars/all/allocations", "from=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00Z", "from"),
        ("/api/cars/all/allocations", "status=confirmed&status=confirmed", "status"),
        ("/api/cars/all/allocations", "status=cancelled", "status"),
        ("/api/cars/all/allocations", "name=Car1", "name"),
    ],
)
def test_a_repeated_or_unsupported_query_parameter_is_named(
    client: FlaskClient, refused: Callable[..., Any], path: str, query: str, field: str
) -> None:
    refused(client.get(f"{path}?{query}"), 422, "invalid_fields", field)


def test_an_internal_error_hides_its_cause(own_app: Flask, refused: Callable[..., Any]) -> None:
    secret = "SELECT secret FROM /etc/passwd"

    def fail() -> str:
        raise RuntimeError(secret)

    own_app.add_url_rule("/api/broken", view_func=fail)
    response = own_app.test_client().get("/api/broken", headers={"X-Request-Id": "mine"})
    refused(response, 500, "internal_error")
    assert response.headers["X-Request-Id"] == "mine"
    assert not any(word in response.text for word in ("secret", "SELECT", "Traceback", "RuntimeError", ".py", "/etc"))
