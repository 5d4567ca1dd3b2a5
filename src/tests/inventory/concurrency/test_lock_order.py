"""The order of locks: vehicles before allocations, so that nothing deadlocks and no event follows a decommissioning.

The tests take locks themselves, to create situations that concurrent requests rarely reach.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from invsys.inventory.commands import bulk_load, expire_holds
from invsys.inventory.schemas import inputs
from tests.support.blocking import ALLOCATION, VEHICLE, block_event_numbers, locked, until_waiting
from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker_at_end")

ANY = "/api/cars/any/allocations"
LONG_AGO = ("2020-01-01T10:00:00Z", "2020-01-01T12:00:00Z")
PERIOD = dict(zip(("from_datetime", "to_datetime"), LONG_AGO, strict=True))


@pytest.fixture
def cars(register):
    """The URLs of two cars, in the order of their keys."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.fixture
def kinds(client):
    """Return a function that returns the kinds of a car's events, without its registration."""

    def kinds(car):
        events = [event["kind"] for event in FeedReader(client).new_events() if event["resource_id"] == car[-36:]]
        assert events[0] == "resource_registered"
        return events[1:]

    return kinds


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("PATCH", {"description": "changed"}, 200),
        ("PATCH", {"to_datetime": hour_start(11)}, 200),
        ("PATCH", {"resource_id": "{there}"}, 200),
        ("DELETE", None, 204),
    ],
)
@pytest.mark.parametrize("here", [0, 1])
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}], ids=["", "If-Match"])
def test_an_allocation_is_not_locked_before_its_vehicle(
    engine, database_url, send, cars, allocate, method, body, status, here, headers
):
    if engine == "sqlite":
        return
    booking = allocate(cars[here], hour_start(10), hour_start(12)).headers["Location"]
    body = body and {name: value.format(there=cars[1 - here][-36:]) for name, value in body.items()}
    with locked(database_url, VEHICLE.format(cars[here][-36:])) as other:
        request = send(method, booking, json=body, headers=headers)
        until_waiting(database_url, 1)
        other.execute(f"{ALLOCATION.format(booking[-36:])} NOWAIT")
        if here == 0:
            # The other vehicle, which has a greater key, is not locked yet either.
            other.execute(f"{VEHICLE.format(cars[1][-36:])} NOWAIT")
    assert request.result().status_code == status


def test_a_move_locks_both_vehicles_before_the_allocation(engine, database_url, send, cars, allocate):
    if engine == "sqlite":
        return
    booking = allocate(cars[0], hour_start(10), hour_start(12)).headers["Location"]
    with locked(database_url, VEHICLE.format(cars[1][-36:])) as other:
        request = send("PATCH", booking, json={"resource_id": cars[1][-36:]})
        until_waiting(database_url, 1)
        other.execute(f"{ALLOCATION.format(booking[-36:])} NOWAIT")
    assert request.result().status_code == 200


def test_a_decommission_waits_for_a_locked_hold(engine, app, database_url, send, car, allocate, kinds):
    if engine == "sqlite":
        return
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).json["id"]
    let_holds_expire(app)
    with locked(database_url, ALLOCATION.format(hold)):
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 1)
    assert decommissioned.result().status_code == 204
    assert kinds(car) == ["allocated", "expired", "resource_decommissioned"]


def test_a_confirmation_and_a_decommission_do_not_deadlock(engine, database_url, send, car, allocate, refused, kinds):
    if engine == "sqlite":
        return
    first = allocate(car, *LONG_AGO, hold_seconds=600).json["id"]
    second = allocate(car, "2020-01-02T10:00:00Z", "2020-01-02T12:00:00Z", hold_seconds=600).headers["Location"]
    with locked(database_url, ALLOCATION.format(first)):
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 1)
        confirmed = send("PATCH", second, json={"status": "confirmed"})
        until_waiting(database_url, 2)
    assert decommissioned.result().status_code == 204
    refused(confirmed.result(), 404, "allocation_not_found")
    assert kinds(car) == ["allocated", "allocated", "deallocated", "deallocated", "resource_decommissioned"]


def delete_expired_hold(app):
    with app.app_context():
        assert expire_holds.delete_all_expired() == 1


@pytest.mark.parametrize("cause", ["purge", "create", "any", "move"])
def test_the_end_of_a_hold_comes_before_the_decommissioning(
    engine, app, client, database_url, send, car, register, allocate, kinds, cause
):
    if engine == "sqlite":
        return
    allocate(car, *LONG_AGO, hold_seconds=60)
    other = register("Car2")
    booking = allocate(other, *LONG_AGO).headers["Location"]
    let_holds_expire(app)
    requests = {
        "create": ("POST", f"{car}/allocations", PERIOD),
        "any": ("POST", ANY, PERIOD),
        "move": ("PATCH", booking, {"resource_id": car[-36:]}),
    }
    with ThreadPoolExecutor() as pool, block_event_numbers(database_url) as let_pass:
        if cause == "purge":
            request = pool.submit(delete_expired_hold, app)
        else:
            method, url, body = requests[cause]
            request = send(method, url, json=body)
        until_waiting(database_url, 1)
        let_pass()
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 2)
    assert decommissioned.result().status_code == 204
    assert request.result() is None or request.result().status_code in (200, 201, 404, 409, 422), request.result().text
    event_kinds = kinds(car)
    assert (event_kinds[:2], event_kinds[-1]) == (["allocated", "expired"], "resource_decommissioned")


@pytest.mark.parametrize("url", ["{car}/allocations/{id}", "/api/cars/all/allocations/{id}"])
@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_the_deletion_of_a_booking_comes_before_the_decommissioning(
    engine, database_url, send, car, allocate, kinds, url, headers
):
    if engine == "sqlite":
        return
    booking = allocate(car, *LONG_AGO).json["id"]
    with block_event_numbers(database_url) as let_pass:
        deleted = send("DELETE", url.format(car=car, id=booking), headers=headers)
        until_waiting(database_url, 1)
        let_pass()
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 2)
    assert (deleted.result().status_code, decommissioned.result().status_code) == (204, 204)
    assert kinds(car) == ["allocated", "deallocated", "resource_decommissioned"]


def test_a_booking_cannot_be_deleted_once_its_vehicle_is_being_decommissioned(
    engine, database_url, send, car, allocate, refused, kinds
):
    if engine == "sqlite":
        return
    booking = allocate(car, *LONG_AGO).headers["Location"]
    with block_event_numbers(database_url) as let_pass:
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 1)
        let_pass()
        deleted = send("DELETE", booking)
        until_waiting(database_url, 2)
    assert decommissioned.result().status_code == 204
    refused(deleted.result(), 404, "allocation_not_found")
    assert kinds(car) == ["allocated", "resource_decommissioned"]


@pytest.mark.parametrize("locked_item", ["hold", "vehicle"])
def test_deleting_expired_holds_skips_locked_rows(engine, app, database_url, cars, allocate, kinds, locked_item):
    if engine == "sqlite":
        return
    holds = [allocate(car, hour_start(10), hour_start(12), hold_seconds=60).json["id"] for car in cars]
    let_holds_expire(app)
    statement = ALLOCATION.format(holds[0]) if locked_item == "hold" else VEHICLE.format(cars[0][-36:])
    with locked(database_url, statement):
        delete_expired_hold(app)
        assert [kinds(car) for car in cars] == [["allocated"], ["allocated", "expired"]]
    delete_expired_hold(app)
    assert [kinds(car) for car in cars] == [["allocated", "expired"]] * 2


def test_an_import_and_a_rename_to_a_name_in_it_do_not_deadlock(engine, app, client, database_url, send, car):
    if engine == "sqlite":
        return
    requests = [
        bulk_load.ImportItem("Car", name, {}, inputs.imported_allocation.load(period_fields(10, 12)))
        for name in ("New", "Car1")
    ]

    def load_rows():
        with app.app_context():
            return bulk_load.load(requests)

    with ThreadPoolExecutor() as pool:
        with locked(database_url, VEHICLE.format(car[-36:])):
            renaming = send("PATCH", car, json={"name": "New"})
            until_waiting(database_url, 1)
            loading = pool.submit(load_rows)
            until_waiting(database_url, 2)
        assert renaming.result().status_code == 200
        assert loading.result() == bulk_load.LoadResult(1, [bulk_load.ALLOCATED] * 2)
    assert sorted(vehicle["name"] for vehicle in client.get("/api/cars").json) == ["Car1", "New"]
