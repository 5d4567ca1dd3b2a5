"""Ids of allocations: they begin with the time, on both databases and whatever creates the allocation."""

import time
import uuid

import pytest

from invsys.inventory.commands import bulk_load
from invsys.inventory.schemas import inputs
from tests.support.hours_in_2099 import hour_start, period_fields

# The database and this process read the same clock, but SQLite computes with days.
_ROUNDING = 1


def create(app, client, car):
    return [client.post(f"{car}/allocations", json=period_fields(10, 12)).json]


def create_any(app, client, car):
    return [client.post("/api/cars/any/allocations", json=period_fields(10, 12)).json]


def create_several(app, client, car):
    for number in range(2):
        client.post("/api/cars", json={"name": f"Other car {number}"})
    return client.post("/api/cars/any/allocations", json={**period_fields(10, 12), "quantity": 3}).json


def load(app, client, car):
    allocation = inputs.imported_allocation.load(period_fields(10, 12))
    with app.app_context():
        bulk_load.load([bulk_load.ImportItem("Car", client.get(car).json["name"], {}, allocation)])
    return client.get("/api/cars/all/allocations").json


@pytest.mark.parametrize("create_allocations", [create, create_any, create_several, load])
def test_the_id_of_an_allocation_is_of_version_7_and_begins_with_the_time(app, client, car, create_allocations):
    before = time.time_ns() // 1_000_000
    ids = [uuid.UUID(allocation["id"]) for allocation in create_allocations(app, client, car)]
    after = time.time_ns() // 1_000_000
    assert ids
    assert {(item.version, item.variant) for item in ids} == {(7, uuid.RFC_4122)}
    for item in ids:
        assert before - _ROUNDING <= item.int >> 80 <= after + _ROUNDING
    assert len({item.bytes[-8:] for item in ids}) == len(ids)


def test_the_ids_of_vehicles_and_events_do_not_tell_the_time(client, car, allocate):
    allocate(car, hour_start(10), hour_start(12))
    events = client.get("/api/events").json["events"]
    assert {uuid.UUID(item).version for item in [car[-36:], *(event["id"] for event in events)]} == {4}
