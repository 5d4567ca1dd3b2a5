"""The eight requests of the original tutorial, which send date-times without an offset: they work unchanged."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

pytestmark = pytest.mark.through_gateway

COLLECTIONS = [("cars", "Car"), ("lorries", "Lorry"), ("trucks", "Truck")]
BOOKING = {"from_datetime": "2026-01-01T10:00:00", "to_datetime": "2026-01-02T10:00:00"}


@pytest.mark.parametrize(("collection", "resource_type"), COLLECTIONS)
def test_a_vehicle_is_registered_listed_read_and_deleted(
    client: FlaskClient, collection: str, resource_type: str
) -> None:
    created = client.post(f"/api/{collection}", json={"name": "First"})
    assert created.status_code == 201
    assert (created.json["name"], created.json["resource_type"]) == ("First", resource_type)
    one = f"/api/{collection}/{created.json['id']}"
    assert client.get(f"/api/{collection}").json == [created.json]
    assert client.get(one).json == created.json
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert client.get(f"/api/{collection}").json == []


@pytest.mark.parametrize(("collection", "resource_type"), COLLECTIONS)
def test_an_allocation_is_created_listed_read_and_deleted(
    client: FlaskClient, register: Callable[..., str], collection: str, resource_type: str
) -> None:
    allocations = f"{register('First', collection)}/allocations"
    created = client.post(allocations, json=BOOKING)
    assert created.status_code == 201
    assert created.json["resource_type"] == resource_type
    one = f"{allocations}/{created.json['id']}"
    assert client.get(allocations).json == [created.json]
    assert client.get(one).json == created.json
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    assert client.get(allocations).json == []


@pytest.mark.parametrize(("collection", "resource_type"), COLLECTIONS)
def test_allocations_of_all_vehicles_of_a_type_are_listed_read_and_deleted(
    client: FlaskClient, register: Callable[..., str], collection: str, resource_type: str
) -> None:
    for name in ("First", "Second"):
        client.post(f"{register(name, collection)}/allocations", json=BOOKING)
    url = f"/api/{collection}/all/allocations"
    listed = client.get(url).json
    assert [allocation["resource_type"] for allocation in listed] == [resource_type] * 2
    assert client.get(f"{url}/{listed[0]['id']}").json == listed[0]
    assert client.delete(f"{url}/{listed[0]['id']}").status_code == 204
    assert client.get(url).json == listed[1:]


def test_a_date_time_without_an_offset_is_utc(client: FlaskClient, car: str) -> None:
    created = client.post(f"{car}/allocations", json=BOOKING)
    assert created.json["from_datetime"] == "2026-01-01T10:00:00Z"
    assert created.json["to_datetime"] == "2026-01-02T10:00:00Z"


def test_a_second_booking_of_the_same_period_is_refused(
    client: FlaskClient, car: str, refused: Callable[..., object]
) -> None:
    client.post(f"{car}/allocations", json=BOOKING)
    refused(client.post(f"{car}/allocations", json=BOOKING), 409, "period_taken")


@pytest.mark.parametrize(
    ("start", "end"),
    [("2026-01-01T10:00:00", None), (None, "2026-01-01T10:00:00"), (None, None)],
    ids=["infinite end", "infinite start", "always"],
)
def test_a_booking_may_be_infinite_on_either_side(
    car: str, allocate: Callable[..., TestResponse], start: str | None, end: str | None
) -> None:
    created = allocate(car, start, end).json
    assert (created["from_infinity"], created["to_infinity"]) == (start is None, end is None)
