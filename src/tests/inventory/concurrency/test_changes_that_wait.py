"""Requests that wait for another transaction's lock: their results depend on the rows that it commits."""

import pytest

from invsys.inventory.commands import bulk_load
from invsys.inventory.schemas import inputs
from tests.support.blocking import VEHICLE, block_event_numbers, block_next_commit, locked, until_waiting
from tests.support.change_feed import FeedReader
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.time_travel import EXPIRE_HOLDS
from tests.support.waiting import SECONDS, until

pytestmark = pytest.mark.usefixtures("feed_checker")

ALLOCATIONS = "SELECT FROM continuous_resource_allocations FOR UPDATE"


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
        ("PATCH", {"to_datetime": hour_start(11)}, None, 200),
        ("DELETE", None, None, 204),
        ("DELETE", None, 1, 412),
    ],
)
def test_a_request_that_waited_sees_the_changed_allocation(
    engine, app, database_url, pool, cars, allocate, first, method, body, version, status
):
    if engine == "sqlite":
        return
    booking = allocate(cars[0], hour_start(10), hour_start(12)).headers["Location"].replace(cars[0], "/api/cars/all")
    first = {name: value.format(there=cars[1][-36:]) for name, value in first.items()}
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    with block_event_numbers(database_url) as let_pass:
        changed = pool.submit(app.test_client().patch, booking, json=first)
        until_waiting(database_url, 1)
        let_pass()
        request = pool.submit(app.test_client().open, booking, method=method, json=body, headers=headers)
        until_waiting(database_url, 2)
    assert changed.result().status_code == 200
    assert request.result().status_code == status, request.result().text


def test_a_hold_that_expires_while_the_request_waits_is_not_confirmed(
    engine, app, client, database_url, pool, car, allocate, refused
):
    if engine == "sqlite":
        return
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=600).headers["Location"]
    with locked(database_url, ALLOCATIONS) as other:
        request = pool.submit(app.test_client().patch, hold, json={"status": "confirmed"})
        until_waiting(database_url, 1)
        other.execute(EXPIRE_HOLDS)
        # The decommissioning waits for the vehicle, which the other waiting request has locked.
        decommissioned = pool.submit(app.test_client().delete, car)
        until_waiting(database_url, 2)
    refused(request.result(), 409, "hold_expired")
    assert decommissioned.result().status_code == 204
    kinds = [event["kind"] for event in FeedReader(client).new_events()]
    assert kinds == ["resource_registered", "allocated", "expired", "resource_decommissioned"]


def test_a_vehicle_whose_hold_is_confirmed_just_before_it_expires_stays_in_circulation(
    engine, app, database_url, client, pool, car, allocate, refused
):
    if engine == "sqlite":
        return
    # On a busy machine, a shorter hold may expire before the request begins.
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=10).headers["Location"]
    with block_next_commit(app) as (reached, let_go):
        confirmed = pool.submit(app.test_client().patch, hold, json={"status": "confirmed"})
        assert reached.wait(SECONDS)
        # To other transactions, the allocation is still a hold, which then expires.
        until(lambda: client.get(hold).status_code != 200)
        decommissioned = pool.submit(app.test_client().delete, car)
        until_waiting(database_url, 1)
        let_go.set()
        decommissioned.result()
    assert confirmed.result().json["status"] == "confirmed"
    refused(decommissioned.result(), 409, "resource_in_use")
    assert client.get(hold).json["status"] == "confirmed"


def test_extending_holds_and_moving_an_allocation_onto_them_do_not_deadlock(engine, app, car, allocate):
    if engine == "sqlite":
        return
    holds = [
        allocate(car, hour_start(2 * hour), hour_start(2 * hour + 1), hold_seconds=600).headers["Location"]
        for hour in range(3)
    ]
    mover = allocate(car, hour_start(20), hour_start(21)).headers["Location"]
    extensions = [{"method": "PATCH", "path": hold, "json": {"hold_seconds": 900}} for hold in holds]
    moves = [{"method": "PATCH", "path": mover, "json": period_fields(2 * hour, 2 * hour + 1)} for hour in range(3)]
    for _ in range(20):
        responses = send_concurrently(app, extensions + moves)
        # A deadlock, which PostgreSQL detects after a second, would cause a 503.
        assert count_outcomes(responses) == {200: 3, "period_taken": 3}


def test_an_import_gets_the_period_of_a_hold_that_expires_while_it_runs(engine, app, database_url, pool, car, allocate):
    if engine == "sqlite":
        return
    allocate(car, hour_start(10), hour_start(12), hold_seconds=600)

    def load_rows():
        with app.app_context():
            return bulk_load.load(
                [bulk_load.ImportItem("Car", "Car1", {}, inputs.imported_allocation.load(period_fields(10, 12)))]
            )

    with locked(database_url, VEHICLE.format(car[-36:])):
        loading = pool.submit(load_rows)
        until_waiting(database_url, 1)
        with locked(database_url, EXPIRE_HOLDS):
            pass
    assert loading.result().outcomes == [bulk_load.ALLOCATED]


def test_requests_for_several_vehicles_in_different_order_do_not_deadlock(
    engine, app, database_url, pool, cars, allocate
):
    if engine == "sqlite":
        return
    app.config["ANY_STRATEGY"] = "best_fit"
    # The first car fits best from 10 to 11, the second car from 14 to 15.
    for car, hours in zip(cars, ((8, 10, 11, 12), (12, 14, 15, 16)), strict=True):
        assert allocate(car, hour_start(hours[0]), hour_start(hours[1])).status_code == 201
        assert allocate(car, hour_start(hours[2]), hour_start(hours[3])).status_code == 201
    first, second = (VEHICLE.format(car[-36:]) for car in cars)
    with locked(database_url, second), locked(database_url, first):
        requests = [
            pool.submit(
                app.test_client().post,
                "/api/cars/any/allocations",
                json=period_fields(hour, hour + 1) | {"quantity": 2},
            )
            for hour in (10, 14)
        ]
        until_waiting(database_url, 2)
    assert [request.result().status_code for request in requests] == [201, 201]
