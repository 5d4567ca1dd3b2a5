"""Rules that apply to all requests: collections, ids in paths, request ids, and unknown fields."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.tables import table_driven

pytestmark = [pytest.mark.one_engine, pytest.mark.through_gateway]

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    return environ | getattr(request, "param", {})


def with_collections(**collections: str) -> pytest.MarkDecorator:
    added = {f"INVSYS_RESOURCE_TYPES_{name.upper()}": kind for name, kind in collections.items()}
    return pytest.mark.parametrize("environ", [added], indirect=True, ids=["+".join(collections)])


@table_driven("method", ["GET", "POST"])
@table_driven(
    "path",
    ["vans", "Cars", "CARS", "car", "Car", "cars/", "planes", "%00", "c%C3%A4rs", "%ff", ".", "..", "cars%2f", " cars"],
)
def test_any_other_collection_is_not_found(
    client: FlaskClient, refused: Callable[..., Any], method: str, path: str
) -> None:
    body = {"json": {"name": "x"}} if method == "POST" else {}
    refused(client.open(f"/api/{path}", method=method, **body), 404, "not_found")


@with_collections(vans="Van")
def test_an_operator_can_add_a_collection(client: FlaskClient, register: Callable[..., str]) -> None:
    van = register("Van1", "vans")
    assert van.startswith("/api/vans/")
    assert client.get(van).json["resource_type"] == "Van"
    assert client.get("/api/vans").json == [client.get(van).json]
    assert client.get("/api/cars").json == []


@with_collections(vans="Van")
def test_vehicles_of_an_added_collection_can_be_allocated(
    client: FlaskClient, register: Callable[..., str], allocate: Callable[..., Any]
) -> None:
    response = allocate(register("Van1", "vans"), None, None)
    assert (response.status_code, response.json["resource_type"]) == (201, "Van")
    assert client.get("/api/vans/all/allocations").json == [response.json]
    assert client.get("/api/cars/all/allocations").json == []


@with_collections(trucks="")
def test_an_operator_can_remove_a_collection(client: FlaskClient, refused: Callable[..., Any]) -> None:
    refused(client.get("/api/trucks"), 404, "not_found")
    assert client.get("/api/cars").status_code == 200


def test_ids_are_uuids_in_lower_case(client: FlaskClient, booking: str) -> None:
    allocation = client.get(booking).json
    for item_id in (allocation["id"], allocation["resource_id"]):
        assert str(uuid.UUID(item_id)) == item_id


@table_driven(
    "damage",
    [
        lambda _: "1",
        lambda _: "all",
        lambda _: "x" * 36,
        lambda _: "%00",
        lambda _: "' OR 1=1 --",
        lambda good: good + "x",
        lambda good: good[:-1],
        lambda good: good.replace("-", ""),
        lambda good: "{" + good + "}",
        lambda good: "urn:uuid:" + good,
        lambda good: good + "%20",
        lambda good: good + "%0a",
        lambda good: good.replace(good[-1], "%EF%BC%90"),
    ],
    ids=range(13),
)
def test_a_path_with_an_invalid_uuid_is_not_found(
    client: FlaskClient, booking: str, refused: Callable[..., Any], damage: Callable[[str], str]
) -> None:
    vehicle, allocation = re.findall("[0-9a-f-]{36}", booking)
    refused(client.get(f"/api/cars/{damage(vehicle)}"), 404, "not_found")
    refused(client.get(f"/api/cars/{vehicle}/allocations/{damage(allocation)}"), 404, "not_found")
    refused(client.get(f"/api/cars/all/allocations/{damage(allocation)}"), 404, "not_found")


def test_a_path_id_in_capital_letters_is_not_found(client: FlaskClient, car: str) -> None:
    vehicle = car.rpartition("/")[2]
    assert client.get(f"/api/cars/{vehicle}").status_code == 200
    assert client.get(f"/api/cars/{vehicle.upper()}").status_code == (200 if vehicle == vehicle.upper() else 404)


@table_driven("request_id", ["a", "x" * 128, "!~", "req-1", "<&>\"'", "0"])
@table_driven("path", ["/api/cars", "/api/cars/1", "/healthz"])
def test_a_valid_request_id_is_used(client: FlaskClient, path: str, request_id: str) -> None:
    assert client.get(path, headers={"X-Request-Id": request_id}).headers["X-Request-Id"] == request_id


@table_driven("request_id", [None, "", "x" * 129, "a b", "a\tb", "é", "a\x7f", "\x01"])
@table_driven("path", ["/api/cars", "/api/cars/1", "/healthz"])
def test_any_other_request_id_is_replaced_by_a_new_one(client: FlaskClient, path: str, request_id: str | None) -> None:
    environ = {} if request_id is None else {"HTTP_X_REQUEST_ID": request_id}
    first, second = (client.get(path, environ_overrides=environ).headers["X-Request-Id"] for _ in range(2))
    assert first != second
    assert re.fullmatch("[!-~]{1,128}", first)
    assert request_id is None or first != request_id


@table_driven(
    ("method", "path", "status"),
    [
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/api/cars", 405),
        ("POST", "/api/cars", 415),
        ("OPTIONS", "/api/cars", 200),
        ("HEAD", "/api/cars", 200),
        ("GET", f"/api/cars/{ANOTHER_ID}", 404),
    ],
)
def test_every_response_has_the_request_id(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method, headers={"X-Request-Id": "mine"})
    assert (response.status_code, response.headers.getlist("X-Request-Id")) == (status, ["mine"])


def test_responses_without_a_body_have_the_request_id(client: FlaskClient, car: str) -> None:
    mine = {"X-Request-Id": "mine"}
    unmodified = client.get(car, headers={"If-None-Match": "*", **mine})
    deleted = client.delete(car, headers=mine)
    assert (unmodified.status_code, deleted.status_code) == (304, 204)
    assert [response.headers["X-Request-Id"] for response in (unmodified, deleted)] == ["mine", "mine"]


@table_driven("field", ["colour", "id", "created", "resource_type", "Name", "", "name ", "__class__"])
def test_an_unknown_field_of_a_vehicle_is_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], field: str
) -> None:
    with nothing_changes():
        refused(client.post("/api/cars", json={"name": "Car1", field: "x"}), 422, "invalid_fields", field)


@table_driven("field", ["colour", "id", "resource_id", "resource_type", "created", "status", "expires"])
@table_driven("value", ["x", None])
def test_an_unknown_field_of_an_allocation_is_refused(
    car: str,
    allocate: Callable[..., Any],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    field: str,
    value: str | None,
) -> None:
    with nothing_changes():
        refused(allocate(car, None, None, **{field: value}), 422, "invalid_fields", field)


def test_all_invalid_fields_are_named_in_one_response(
    client: FlaskClient, car: str, refused: Callable[..., Any]
) -> None:
    body = {"to_infinity": True, "description": 1, "allocation_type": "", "dump": [], "colour": "red"}
    response = client.post(f"{car}/allocations", json=body)
    errors = refused(response, 422, "invalid_fields")["errors"]
    assert {"description", "allocation_type", "dump", "colour"} <= set(errors)


def test_head_returns_the_headers_of_get(client: FlaskClient, booking: str) -> None:
    for url in (booking, "/api/cars", "/api/cars/all/allocations"):
        read, head = client.get(url), client.head(url)
        assert (head.status_code, head.data) == (200, b"")
        for header in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers.get(header) == read.headers.get(header)
