"""Vehicles: registering and reading them, and the valid values of their fields."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.tables import table_driven


def test_registering_returns_the_complete_vehicle_and_its_location(client: FlaskClient) -> None:
    response = client.post("/api/cars", json={"name": "Car1", "attributes": {"city": "Leeds"}})
    assert response.status_code == 201
    assert response.headers["Location"].endswith(f"/api/cars/{response.json['id']}")
    vehicle = {
        "name": "Car1",
        "resource_type": "Car",
        "attributes": {"city": "Leeds"},
        "version": 1,
        "closed_from": None,
    }
    assert response.json == vehicle | {"id": response.json["id"], "created": response.json["created"]}
    assert client.get(response.headers["Location"]).json == response.json


def test_created_is_now_in_utc(client: FlaskClient, car: str) -> None:
    created = client.get(car).json["created"]
    assert created.endswith("Z")
    assert abs(datetime.fromisoformat(created) - datetime.now(UTC)) < timedelta(minutes=1)


NAMES = [
    "a",
    "x" * 36,
    "é" * 36,
    "🚗" * 36,
    "a b",
    "Ünï",
    "'; DROP TABLE x --",
    "<b>",
    "%",
    "_",
    "0",
    "null",
]
BAD_NAMES = [
    "",
    " ",
    " a",
    "a ",
    "a\t",
    "a\nb",
    "a\x7fb",
    "a\x1fb",
    "a\x85b",
    "\u00a0a",
    "a\u3000",
    "a\u2003",
    "x" * 37,
    "a\u200bb",
    "a\u202eb",
    "\ufeffa",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_returned_as_it_was_sent(client: FlaskClient, register: Callable[..., str], name: str) -> None:
    assert client.get(register(name)).json["name"] == name
    assert [vehicle["name"] for vehicle in client.get("/api/cars", query_string={"name": name}).json] == [name]


@pytest.mark.one_engine
@table_driven("name", [*BAD_NAMES, "🚗" * 37, None, 1, 1.5, True, [], {}, ["Car1"]])
def test_any_other_name_is_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], name: object
) -> None:
    with nothing_changes():
        refused(client.post("/api/cars", json={"name": name}), 422, "invalid_fields", "name")


@pytest.mark.one_engine
def test_a_vehicle_without_a_name_is_refused(client: FlaskClient, refused: Callable[..., Any]) -> None:
    refused(client.post("/api/cars", json={}), 422, "invalid_fields", "name")


ATTRIBUTES = {
    "none": {},
    "one of each": {"seats": 4, "weight": 1.5, "city": "Leeds", "electric": True, "towbar": False},
    "shortest key and text": {"k": ""},
    "longest key and text": {"k" * 64: "v" * 256},
    "longest beyond ASCII": {"🚗" * 64: "🚗" * 256},
    "32 keys": {f"key{n}": n for n in range(32)},
    "any characters": {"a b.c[d]=": "<>&\"' \n\t\\", "é": "\x01"},
    "strings that look like other types": {"a": "1", "b": "true", "c": "null", "d": "2026-01-01T00:00:00Z"},
    "extreme numbers": {"a": 0.1, "b": -1e-300, "c": 5e-324, "d": 1.7976931348623157e308, "e": -0.5, "f": 1e16},
}
BAD_ATTRIBUTES = {
    "a list": [],
    "text": "x",
    "number": 1,
    "33 keys": {f"key{n}": n for n in range(33)},
    "empty key": {"": 1},
    "key too long": {"k" * 65: 1},
    "text too long": {"k": "v" * 257},
    "null inside": {"k": None},
    "list inside": {"k": []},
    "object inside": {"k": {}},
    "one invalid among valid ones": {"a": 1, "b": "x", "c": ["x"]},
}


@pytest.mark.parametrize("attributes", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_are_returned_as_they_were_sent(
    client: FlaskClient, register: Callable[..., str], attributes: dict[str, object]
) -> None:
    returned = client.get(register(attributes=attributes)).json["attributes"]
    assert returned == attributes
    assert {key: type(value) for key, value in returned.items()} == {key: type(attributes[key]) for key in returned}


def test_attributes_are_empty_by_default(client: FlaskClient, car: str) -> None:
    assert client.get(car).json["attributes"] == {}


@pytest.mark.one_engine
@table_driven("attributes", BAD_ATTRIBUTES.values(), ids=BAD_ATTRIBUTES)
def test_any_other_attributes_are_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], attributes: object
) -> None:
    with nothing_changes():
        response = client.post("/api/cars", json={"name": "Car1", "attributes": attributes})
        refused(response, 422, "invalid_fields", "attributes")


def test_a_name_is_unique_among_the_vehicles_of_its_type(
    client: FlaskClient, car: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any]
) -> None:
    with nothing_changes():
        refused(client.post("/api/cars", json={"name": "Car1"}), 409, "name_taken")


@pytest.mark.parametrize(("name", "collection"), [("Car1", "lorries"), ("car1", "cars"), ("Car11", "cars")])
def test_the_same_name_can_be_used_for_another_type_or_in_another_case(
    car: str, register: Callable[..., str], name: str, collection: str
) -> None:
    assert register(name, collection) != car


def test_a_vehicle_is_found_only_by_its_complete_name(client: FlaskClient, register: Callable[..., str]) -> None:
    for name in ("Car1", "Car11", "a%b"):
        register(name)
    results = {name: client.get("/api/cars", query_string={"name": name}).json for name in ("Car1", "Car", "%", "C_r1")}
    assert {name: [car["name"] for car in cars] for name, cars in results.items()} == {
        "Car1": ["Car1"],
        "Car": [],
        "%": [],
        "C_r1": [],
    }


@pytest.mark.one_engine
@table_driven("query", ["name=%00", "name=%ff", "name=%ED%A0%80", "name=" + "x" * 5000, "name="])
def test_a_name_that_no_vehicle_can_have_finds_nothing_or_is_refused(
    client: FlaskClient, car: str, refused: Callable[..., Any], query: str
) -> None:
    response = client.get(f"/api/cars?{query}")
    if response.status_code == 200:
        assert response.json == []
    else:
        refused(response, 422, "invalid_fields", "name")
