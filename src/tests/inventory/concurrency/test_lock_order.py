"""Rows are locked in one order, vehicles before allocations: nobody deadlocks, and a vehicle's last event is its last.

What waits here waits for the test, in a state that a race reaches seldom.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from invsys.inventory.commands import bulk_load, expire_holds
from invsys.inventory.schemas import inputs
from tests.support.blocking import first_event_waits, locked, until_waiting
from tests.support.change_feed import Reader
from tests.support.instants import at, hours_pass, wire

pytestmark = [pytest.mark.usefixtures("strict_replay"), pytest.mark.direct("it is about locks of the database")]

ANY = "/api/cars/any/allocations"
LONG_AGO = ("2020-01-01T10:00:00Z", "2020-01-01T12:00:00Z")
PERIOD = dict(zip(("from_datetime", "to_datetime"), LONG_AGO, strict=True))
VEHICLE = "SELECT FROM continuous_resources WHERE id = '{}' FOR UPDATE"
ALLOCATION = "SELECT FROM continuous_resource_allocations WHERE id = '{}' FOR UPDATE"


@pytest.fixture
def environ(environ):
    """No statement is cancelled while the test holds a lock."""
    return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "60"}


@pytest.fixture
def send(app):
    """Send a request from another thread; returns a future of the response."""
    with ThreadPoolExecutor() as pool:
        yield lambda method, url, **given: pool.submit(app.test_client().open, url, method=method, **given)


@pytest.fixture
def cars(register):
    """The URLs of two cars, by key."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.fixture
def kinds(client):
    """Return the kinds of the events of one car, after that of its registration."""

    def kinds(car):
        events = [event["kind"] for event in Reader(client).news() if event["resource_id"] == car[-36:]]
        assert events[0] == "resource_registered"
        return events[1:]

    return kinds


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("PATCH", {"description": "changed"}, 200),
        ("PATCH", {"to_datetime": at(11)}, 200),
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
    booking = allocate(cars[here], at(10), at(12)).headers["Location"]
    body = body and {name: value.format(there=cars[1 - here][-36:]) for name, value in body.items()}
    with locked(database_url, VEHICLE.format(cars[here][-36:])) as other:
        order = send(method, booking, json=body, headers=headers)
        until_waiting(database_url, 1)
        other.execute(f"{ALLOCATION.format(booking[-36:])} NOWAIT")
        if here == 0:
            # Nor is a vehicle with a greater key.
            other.execute(f"{VEHICLE.format(cars[1][-36:])} NOWAIT")
    assert order.result().status_code == status


def test_a_move_locks_both_vehicles_before_the_allocation(engine, database_url, send, cars, allocate):
    if engine == "sqlite":
        return
    booking = allocate(cars[0], at(10), at(12)).headers["Location"]
    with locked(database_url, VEHICLE.format(cars[1][-36:])) as other:
        order = send("PATCH", booking, json={"resource_id": cars[1][-36:]})
        until_waiting(database_url, 1)
        other.execute(f"{ALLOCATION.format(booking[-36:])} NOWAIT")
    assert order.result().status_code == 200


def test_a_decommission_waits_for_a_locked_hold(engine, app, database_url, send, car, allocate, kinds):
    if engine == "sqlite":
        return
    hold = allocate(car, at(10), at(12), hold_seconds=60).json["id"]
    hours_pass(app)
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


def clear_all(app):
    with app.app_context():
        assert expire_holds.delete_all_expired() == 1


@pytest.mark.parametrize("cause", ["purge", "create", "any", "move"])
def test_the_end_of_a_hold_comes_before_the_decommission(
    engine, app, client, database_url, send, car, register, allocate, kinds, cause
):
    if engine == "sqlite":
        return
    allocate(car, *LONG_AGO, hold_seconds=60)
    other = register("Car2")
    booking = allocate(other, *LONG_AGO).headers["Location"]
    hours_pass(app)
    orders = {
        "create": ("POST", f"{car}/allocations", PERIOD),
        "any": ("POST", ANY, PERIOD),
        "move": ("PATCH", booking, {"resource_id": car[-36:]}),
    }
    with ThreadPoolExecutor() as pool, first_event_waits(database_url) as let_pass:
        if cause == "purge":
            order = pool.submit(clear_all, app)
        else:
            method, url, body = orders[cause]
            order = send(method, url, json=body)
        until_waiting(database_url, 1)
        let_pass()
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 2)
    assert decommissioned.result().status_code == 204
    assert order.result() is None or order.result().status_code in (200, 201, 404, 409, 422), order.result().text
    found = kinds(car)
    assert (found[:2], found[-1]) == (["allocated", "expired"], "resource_decommissioned")


@pytest.mark.parametrize("url", ["{car}/allocations/{id}", "/api/cars/all/allocations/{id}"])
@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": '"1"'}])
def test_the_end_of_a_booking_comes_before_the_decommission(
    engine, database_url, send, car, allocate, kinds, url, headers
):
    if engine == "sqlite":
        return
    booking = allocate(car, *LONG_AGO).json["id"]
    with first_event_waits(database_url) as let_pass:
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
    with first_event_waits(database_url) as let_pass:
        decommissioned = send("DELETE", car)
        until_waiting(database_url, 1)
        let_pass()
        deleted = send("DELETE", booking)
        until_waiting(database_url, 2)
    assert decommissioned.result().status_code == 204
    refused(deleted.result(), 404, "allocation_not_found")
    assert kinds(car) == ["allocated", "resource_decommissioned"]


@pytest.mark.parametrize("kept", ["hold", "vehicle"])
def test_clearing_skips_what_is_locked(engine, app, database_url, cars, allocate, kinds, kept):
    if engine == "sqlite":
        return
    holds = [allocate(car, at(10), at(12), hold_seconds=60).json["id"] for car in cars]
    hours_pass(app)
    statement = ALLOCATION.format(holds[0]) if kept == "hold" else VEHICLE.format(cars[0][-36:])
    with locked(database_url, statement):
        clear_all(app)
        assert [kinds(car) for car in cars] == [["allocated"], ["allocated", "expired"]]
    clear_all(app)
    assert [kinds(car) for car in cars] == [["allocated", "expired"]] * 2


def test_an_import_and_a_rename_to_a_name_in_it_do_not_deadlock(engine, app, client, database_url, send, car):
    if engine == "sqlite":
        return
    orders = [
        bulk_load.Order("Car", name, {}, inputs.imported_allocation.load(wire(10, 12))) for name in ("New", "Car1")
    ]

    def fill():
        with app.app_context():
            return bulk_load.load(orders)

    with ThreadPoolExecutor() as pool:
        with locked(database_url, VEHICLE.format(car[-36:])):
            renamed = send("PATCH", car, json={"name": "New"})
            until_waiting(database_url, 1)
            filled = pool.submit(fill)
            until_waiting(database_url, 2)
        assert renamed.result().status_code == 200
        assert filled.result() == bulk_load.LoadResult(1, [bulk_load.ALLOCATED] * 2)
    assert sorted(vehicle["name"] for vehicle in client.get("/api/cars").json) == ["Car1", "New"]
