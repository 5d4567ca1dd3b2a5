"""A closure or decommissioning and a concurrent allocation: the second to commit sees the result of the first."""

import pytest

from invsys.inventory.commands import bulk_load
from invsys.inventory.schemas import inputs
from tests.support.blocking import block_event_numbers, block_next_commit, until_waiting
from tests.support.changing_requests import change_list, patch
from tests.support.client_identity import ids
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.effort import rounds
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.usefixtures("feed_checker")

CLOSED = {"closed_from": hour_start(12)}
ANY = "/api/cars/any/allocations"


@pytest.fixture
def bookings(register, allocate):
    """The URLs of two bookings: of the car that the test closes, and of another car."""
    cars = [register(f"Car{number}") for number in range(2)]
    return [allocate(car, hour_start(10), hour_start(12)).headers["Location"] for car in cars]


def create(car, **more):
    return {"method": "POST", "path": f"{car}/allocations", "json": {**period_fields(12, 13), **more}}


REQUESTS = {
    "create": lambda car, booking, other: create(car),
    "hold": lambda car, booking, other: create(car, hold_seconds=60),
    "keyed": lambda car, booking, other: {**create(car), "headers": {"Idempotency-Key": "order-1"}},
    "extend": lambda car, booking, other: patch(booking, to_datetime=hour_start(13)),
    "list": lambda car, booking, other: change_list(booking, to_datetime=hour_start(13)),
    "list of moves": lambda car, booking, other: change_list(other, resource_id=car[-36:], **period_fields(13, 14)),
    "move": lambda car, booking, other: patch(other, resource_id=car[-36:], **period_fields(13, 14)),
}


@pytest.fixture
def wait_for_closure(engine, app, database_url, pool, bookings):
    """Return a function that makes a call while a closure is about to commit, and returns the result of the call."""

    def wait_for_closure(call, *arguments, **keywords):
        car = bookings[0].partition("/allocations")[0]
        with block_next_commit(app) as (reached, let_go):
            closed = pool.submit(app.test_client().patch, car, json=CLOSED)
            assert reached.wait(SECONDS)
            waiting = pool.submit(call, *arguments, **keywords)
            if engine == "postgresql":
                until_waiting(database_url, 1)
            let_go.set()
            assert closed.result().status_code == 200
            return waiting.result()

    return wait_for_closure


@pytest.mark.parametrize("request_to", REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_waits_for_the_closure_is_refused(
    app, client, bookings, wait_for_closure, nothing_changes, refused, request_to
):
    car = bookings[0].partition("/allocations")[0]
    response = wait_for_closure(app.test_client().open, **request_to(car, *bookings))
    refused(response, 409, "resource_closed")
    assert [ids(client.get(url)) for url in (f"{car}/allocations", "/api/cars/all/allocations")] == [
        [bookings[0][-36:]],
        [booking[-36:] for booking in bookings],
    ]


@pytest.mark.parametrize(
    ("path", "status", "code"), [("{car}/allocations", 404, "resource_not_found"), (ANY, 409, "none_available")]
)
def test_a_create_that_waits_for_the_decommissioning_is_refused(
    engine, app, database_url, pool, car, refused, path, status, code
):
    with block_next_commit(app) as (reached, let_go):
        decommissioned = pool.submit(app.test_client().delete, car)
        assert reached.wait(SECONDS)
        waiting = pool.submit(app.test_client().post, path.format(car=car), json=period_fields(12, 13))
        if engine == "postgresql":
            until_waiting(database_url, 1)
        let_go.set()
        assert decommissioned.result().status_code == 204
        refused(waiting.result(), status, code)


@pytest.mark.parametrize("strategy", ["random", "best_fit"])
def test_any_that_waits_for_the_closure_allocates_another_vehicle(app, bookings, pool, strategy, refused):
    app.config["ANY_STRATEGY"] = strategy
    car, other = (booking.partition("/allocations")[0] for booking in bookings)
    order = {**period_fields(12, 13), "attributes": {}}
    with block_next_commit(app) as (reached, let_go):
        closed = pool.submit(app.test_client().patch, car, json=CLOSED)
        assert reached.wait(SECONDS)
        # Two vehicles are free as long as the closure is not committed.
        waiting = pool.submit(app.test_client().post, ANY, json={**order, "quantity": 2})
        let_go.set()
        assert closed.result().status_code == 200
        refused(waiting.result(), 409, "none_available")
    assert app.test_client().post(ANY, json=order).json["resource_id"] == other[-36:]


def test_an_import_that_waits_for_the_closure_refuses_the_line(app, wait_for_closure):
    def load():
        allocation = inputs.imported_allocation.load(period_fields(12, 13))
        with app.app_context():
            return bulk_load.load([bulk_load.ImportItem("Car", "Car0", {}, allocation)]).outcomes

    assert wait_for_closure(load) == ["resource_closed: Car0 is closed for a part of this period"]


def test_the_maintenance_waits_for_the_closure(app, bookings, wait_for_closure):
    car = bookings[0].partition("/allocations")[0]
    request = create(car, allocation_type="maintenance", despite_closed=True)
    assert wait_for_closure(app.test_client().open, **request).status_code == 201


def test_a_closure_waits_for_an_allocation(engine, app, client, database_url, pool, car):
    if engine == "sqlite":
        return
    with block_event_numbers(database_url):
        allocated = pool.submit(app.test_client().open, **create(car))
        until_waiting(database_url, 1)
        closed = pool.submit(app.test_client().patch, car, json=CLOSED)
        until_waiting(database_url, 2)
    assert (allocated.result().status_code, closed.result().status_code) == (201, 200)
    ahead = client.get(f"{car}/allocations", query_string={"from": CLOSED["closed_from"]})
    assert ids(ahead) == [allocated.result().json["id"]]
    kinds = [event["kind"] for event in client.get("/api/events").json["events"]]
    assert kinds == ["resource_registered", "allocated", "resource_changed"]


def test_in_every_order_the_feed_has_no_new_allocation_after_the_closure(app, client, register):
    for number in range(rounds(3, 10)):
        car = register(f"Car{number}")
        creates = [{**create(car), "json": period_fields(hour, hour + 1)} for hour in range(12, 18)]
        outcomes = count_outcomes(send_concurrently(app, [*creates[:3], patch(car, **CLOSED), *creates[3:]]))
        assert set(outcomes) <= {200, 201, "resource_closed"}
        kinds = [
            event["kind"]
            for event in client.get("/api/events?limit=1000").json["events"]
            if event["resource_id"] == car[-36:]
        ]
        assert kinds == ["resource_registered", *["allocated"] * outcomes.get(201, 0), "resource_changed"]
