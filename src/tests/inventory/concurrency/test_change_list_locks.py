"""A change list locks its vehicles in the order of their keys, then its allocations, and reads the committed rows.

The tests run on PostgreSQL only, and hold locks themselves.
"""

import pytest

from tests.support.blocking import ALLOCATION, VEHICLE, block_event_numbers, locked, until_waiting
from tests.support.change_lists import CHANGES, entry, places
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.time_travel import EXPIRE_HOLDS

pytestmark = pytest.mark.usefixtures("feed_checker_at_end")


@pytest.fixture
def change(send):
    """Return a function that sends a change list from another thread."""
    return lambda *entries: send("POST", CHANGES, json={"changes": list(entries)})


@pytest.fixture
def cars(register):
    """The URLs of three cars, in the order of their keys."""
    return [register(f"Car{number}", attributes={"seats": 4}) for number in range(3)]


@pytest.fixture
def rows(cars, allocate):
    """An allocation of the first and of the second car, from 10:00 to 12:00."""
    return [allocate(car, hour_start(10), hour_start(12)).json for car in cars[:2]]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("target", ["named", "any"])
def test_vehicles_are_locked_by_key_and_before_allocations(engine, database_url, change, cars, rows, order, target):
    if engine == "sqlite":
        return
    entries = [entry(rows[1], cars[2] if target == "named" else "any"), entry(rows[0])][::order]
    with locked(database_url, VEHICLE.format(cars[0][-36:])) as other:
        request = change(*entries)
        until_waiting(database_url, 1)
        for statement in (*(VEHICLE.format(car[-36:]) for car in cars), *(ALLOCATION.format(it["id"]) for it in rows)):
            other.execute(f"{statement} NOWAIT")
    assert request.result().status_code == 200


def test_a_list_begins_again_if_an_allocation_has_moved(engine, database_url, send, change, cars, rows):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        moved = send("PATCH", f"/api/cars/all/allocations/{rows[0]['id']}", json={"resource_id": cars[2][-36:]})
        until_waiting(database_url, 1)
        let_pass()
        request = change(entry(rows[0], cars[1]), entry(rows[1], cars[0]))
        until_waiting(database_url, 2)
    assert moved.result().status_code == 200
    assert places(request.result(), cars) == [(1, 10, 12), (0, 10, 12)]
    assert [row["version"] for row in request.result().json] == [3, 2]


def test_versions_are_compared_after_the_wait(engine, database_url, send, change, rows, refused):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        changed = send("PATCH", f"/api/cars/all/allocations/{rows[1]['id']}", json={"to_datetime": hour_start(11)})
        until_waiting(database_url, 1)
        let_pass()
        request = change(entry(rows[0]), entry(rows[1], version=1))
        until_waiting(database_url, 2)
    assert changed.result().status_code == 200
    problem = refused(request.result(), 412, "version_mismatch")
    assert (problem["index"], problem["version"]) == (1, 2)


def test_an_allocation_that_is_deleted_during_the_wait_is_unknown(
    engine, database_url, send, change, cars, rows, refused
):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        deleted = send("DELETE", f"/api/cars/all/allocations/{rows[1]['id']}")
        until_waiting(database_url, 1)
        let_pass()
        request = change(entry(rows[0], cars[1]), entry(rows[1], cars[0]))
        until_waiting(database_url, 2)
    assert deleted.result().status_code == 204
    assert refused(request.result(), 404, "allocation_not_found")["index"] == 1


def test_a_hold_that_expires_during_the_wait_is_not_confirmed(
    engine, database_url, change, cars, rows, allocate, refused
):
    if engine == "sqlite":
        return
    hold = allocate(cars[2], hour_start(10), hour_start(12), hold_seconds=600)
    with locked(database_url, VEHICLE.format(cars[2][-36:])):
        request = change(entry(rows[0], cars[2]), entry(hold.json, cars[0], status="confirmed"))
        until_waiting(database_url, 1)
        with locked(database_url, EXPIRE_HOLDS):
            pass
    assert refused(request.result(), 409, "hold_expired")["index"] == 1


def test_a_create_waits_for_the_list_and_gets_only_what_it_leaves(engine, database_url, send, change, cars, rows):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        request = change(entry(rows[0], cars[1]), entry(rows[1], cars[0], **period_fields(11, 13)))
        until_waiting(database_url, 1)
        let_pass()
        creates = [send("POST", f"{cars[0]}/allocations", json=period_fields(hour, hour + 1)) for hour in (10, 11)]
        until_waiting(database_url, 3)
    assert request.result().status_code == 200
    assert [create.result().status_code for create in creates] == [201, 409]


@pytest.fixture(params=[True, False], ids=["list", "PATCH"])
def move_to_any(request, change, send):
    """Return a function that moves an allocation to any vehicle, with a change list or with a PATCH."""

    def move_to_any(row, **fields):
        if request.param:
            return change(entry(row, "any", **fields))
        return send("PATCH", f"/api/cars/all/allocations/{row['id']}", json={"resource_id": "any", **fields})

    return move_to_any


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "", None, 204),
        ("PATCH", "", {"attributes": {"seats": 5}}, 200),
        ("PATCH", "", {"closed_from": hour_start(11)}, 200),
        ("POST", "/allocations", period_fields(11, 12), 201),
    ],
    ids=["decommissioned", "other attributes", "closed", "allocated"],
)
def test_a_chosen_vehicle_that_no_longer_fits_is_not_used(
    engine, database_url, send, move_to_any, cars, rows, refused, method, path, body, status
):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        changed = send(method, f"{cars[2]}{path}", json=body)
        until_waiting(database_url, 1)
        let_pass()
        request = move_to_any(rows[0], attributes={"seats": 4})
        until_waiting(database_url, 2)
    assert changed.result().status_code == status
    refused(request.result(), 409, "none_available")


def test_an_allocation_that_is_moved_to_the_chosen_vehicle_moves_on(
    engine, database_url, send, move_to_any, cars, rows
):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url) as let_pass:
        moved = send("PATCH", f"/api/cars/all/allocations/{rows[0]['id']}", json={"resource_id": cars[2][-36:]})
        until_waiting(database_url, 1)
        let_pass()
        request = move_to_any(rows[0])
        until_waiting(database_url, 2)
    assert moved.result().json["resource_id"] == cars[2][-36:]
    # Only the first car is free now.
    row = request.result().json
    assert (row[0] if isinstance(row, list) else row)["resource_id"] == cars[0][-36:]
