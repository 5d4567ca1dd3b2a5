"""Orders that wait for another one's lock decide by what they find afterwards."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event

from invsys.inventory.commands import bulk_load
from invsys.inventory.db.models import db
from invsys.inventory.schemas import inputs
from tests.support.blocking import first_event_waits, locked, until_waiting
from tests.support.change_feed import Reader
from tests.support.concurrent_calls import at_once, outcomes
from tests.support.instants import at, wire

pytestmark = pytest.mark.usefixtures("strict_reader")

SECONDS = 10

ALLOCATIONS = "SELECT FROM continuous_resource_allocations FOR UPDATE"
VEHICLE = "SELECT FROM continuous_resources WHERE id = '{}' FOR UPDATE"


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def cars(register):
    """The URLs of two cars."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.mark.parametrize("first", [{"resource_id": "{there}"}, {"description": "first"}], ids=["moved", "changed"])
@pytest.mark.parametrize(
    ("method", "body", "version", "status"),
    [
        ("PATCH", {"description": "second"}, None, 200),
        ("PATCH", {"description": "second"}, 2, 200),
        ("PATCH", {"description": "second"}, 1, 412),
        ("PATCH", {"to_datetime": at(11)}, None, 200),
        ("DELETE", None, None, 204),
        ("DELETE", None, 1, 412),
    ],
)
def test_an_allocation_that_is_changed_meanwhile_is_taken_as_it_is_then(
    engine, app, database_url, pool, cars, allocate, first, method, body, version, status
):
    if engine == "sqlite":
        return
    booking = allocate(cars[0], at(10), at(12)).headers["Location"].replace(cars[0], "/api/cars/all")
    first = {name: value.format(there=cars[1][-36:]) for name, value in first.items()}
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    with first_event_waits(database_url) as let_pass:
        changed = pool.submit(app.test_client().patch, booking, json=first)
        until_waiting(database_url, 1)
        let_pass()
        order = pool.submit(app.test_client().open, booking, method=method, json=body, headers=headers)
        until_waiting(database_url, 2)
    assert changed.result().status_code == 200
    assert order.result().status_code == status, order.result().text


def test_a_hold_that_expires_while_it_waits_is_not_confirmed(
    engine, app, client, database_url, pool, car, allocate, refused
):
    if engine == "sqlite":
        return
    hold = allocate(car, at(10), at(12), hold_seconds=1).headers["Location"]
    with locked(database_url, ALLOCATIONS):
        order = pool.submit(app.test_client().patch, hold, json={"status": "confirmed"})
        until_waiting(database_url, 1)
        while client.get(hold).status_code == 200:
            pass
        # It counts nowhere any more, so nothing but this order keeps its vehicle in circulation.
        decommissioned = pool.submit(app.test_client().delete, car)
        until_waiting(database_url, 2)
    refused(order.result(), 409, "hold_expired")
    assert decommissioned.result().status_code == 204
    kinds = [event["kind"] for event in Reader(client).news()]
    assert kinds == ["resource_registered", "allocated", "expired", "resource_decommissioned"]


@pytest.fixture
def committing(app):
    """A moment at which a transaction of the service is about to commit, and waits until it is let go."""
    reached, let_go = threading.Event(), threading.Event()

    def wait(connection):
        reached.set()
        assert let_go.wait(SECONDS)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", wait)
    yield reached, let_go
    let_go.set()
    event.remove(engine, "commit", wait)


def test_a_hold_confirmed_in_its_last_moment_keeps_its_vehicle_in_circulation(
    engine, app, database_url, client, pool, car, allocate, committing, refused
):
    if engine == "sqlite":
        return
    reached, let_go = committing
    hold = allocate(car, at(10), at(12), hold_seconds=1).headers["Location"]
    confirmed = pool.submit(app.test_client().patch, hold, json={"status": "confirmed"})
    assert reached.wait(SECONDS)
    # Others see it as it was: held, and after a second no longer.
    while client.get(hold).status_code == 200:
        pass
    decommissioned = pool.submit(app.test_client().delete, car)
    until_waiting(database_url, 1)
    let_go.set()
    assert confirmed.result().json["status"] == "confirmed"
    refused(decommissioned.result(), 409, "resource_in_use")
    assert client.get(hold).json["status"] == "confirmed"


def test_holds_that_are_extended_and_what_would_move_onto_them_do_not_wait_for_each_other(engine, app, car, allocate):
    if engine == "sqlite":
        return
    holds = [allocate(car, at(2 * hour), at(2 * hour + 1), hold_seconds=600).headers["Location"] for hour in range(3)]
    mover = allocate(car, at(20), at(21)).headers["Location"]
    extensions = [{"method": "PATCH", "path": hold, "json": {"hold_seconds": 900}} for hold in holds]
    moves = [{"method": "PATCH", "path": mover, "json": wire(2 * hour, 2 * hour + 1)} for hour in range(3)]
    for _ in range(20):
        answers = at_once(app, extensions + moves)
        # A deadlock, which PostgreSQL finds after a second, would be a 503.
        assert outcomes(answers) == {200: 3, "period_taken": 3}


def test_an_import_takes_the_place_of_a_hold_that_expires_while_it_runs(
    engine, app, client, database_url, pool, car, allocate
):
    if engine == "sqlite":
        return
    hold = allocate(car, at(10), at(12), hold_seconds=1).headers["Location"]

    def fill():
        with app.app_context():
            return bulk_load.load([bulk_load.Order("Car", "Car1", {}, inputs.imported_allocation.load(wire(10, 12)))])

    with locked(database_url, VEHICLE.format(car[-36:])):
        filled = pool.submit(fill)
        until_waiting(database_url, 1)
        while client.get(hold).status_code == 200:
            pass
    assert filled.result().fates == [bulk_load.ALLOCATED]


def test_convoys_that_prefer_different_vehicles_do_not_wait_for_each_other(
    engine, app, database_url, pool, cars, allocate
):
    if engine == "sqlite":
        return
    app.config["ANY_STRATEGY"] = "best_fit"
    # The tightest gap from 10 to 11 is the first car's, from 14 to 15 the second's.
    for car, hours in zip(cars, ((8, 10, 11, 12), (12, 14, 15, 16)), strict=True):
        assert allocate(car, at(hours[0]), at(hours[1])).status_code == 201
        assert allocate(car, at(hours[2]), at(hours[3])).status_code == 201
    first, second = (VEHICLE.format(car[-36:]) for car in cars)
    with locked(database_url, second), locked(database_url, first):
        orders = [
            pool.submit(
                app.test_client().post, "/api/cars/any/allocations", json=wire(hour, hour + 1) | {"quantity": 2}
            )
            for hour in (10, 14)
        ]
        until_waiting(database_url, 2)
    assert [order.result().status_code for order in orders] == [201, 201]
