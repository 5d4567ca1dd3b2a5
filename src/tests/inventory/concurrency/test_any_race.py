"""Concurrent requests for ``any``: no vehicle is allocated twice, and no request is refused while a vehicle is free."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.effort import rounds
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")

THREADS, ROUNDS = 8, rounds(2, 5)


@pytest.fixture(params=["random", "best_fit"])
def environ(environ, request):
    return environ | {"INVSYS_API_ANY_STRATEGY": request.param}


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


def request_for(hour, vehicle="/api/cars/any", **fields):
    return {"method": "POST", "path": f"{vehicle}/allocations", "json": period_fields(hour, hour + 1) | fields}


def vehicles(responses):
    """Return the sorted vehicle ids of the created allocations."""
    bodies = [response.json for response in responses if response.status_code == 201]
    rows = [row for body in bodies for row in (body if isinstance(body, list) else [body])]
    return sorted(row["resource_id"] for row in rows)


def ids(cars):
    return sorted(car[-36:] for car in cars)


def test_as_many_requests_succeed_as_there_are_vehicles(app, client, cars):
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [request_for(hour)] * THREADS)
        assert count_outcomes(responses) == {201: 3, "none_available": THREADS - 3}
        assert vehicles(responses) == ids(cars)
    assert len(client.get("/api/cars/all/allocations").json) == 3 * ROUNDS


def test_all_requests_succeed_while_enough_vehicles_are_free(app, cars, register):
    more = [register(f"More{number}") for number in range(THREADS - 3)]
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [request_for(hour)] * THREADS)
        assert count_outcomes(responses) == {201: THREADS}
        assert vehicles(responses) == ids(cars + more)


def test_requests_for_overlapping_periods_get_different_vehicles(app, cars):
    for hour in range(0, 2 * ROUNDS, 2):
        periods = [period_fields(hour, hour + 2), period_fields(hour + 1, hour + 2), period_fields(hour, hour + 2)]
        orders = [request_for(hour) | {"json": period} for period in periods * 3]
        responses = send_concurrently(app, orders)
        assert count_outcomes(responses) == {201: 3, "none_available": 6}
        assert vehicles(responses) == ids(cars)


def test_no_vehicle_is_allocated_twice_when_others_request_it_by_id(app, cars):
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [request_for(hour)] * 3 + [request_for(hour, car) for car in cars])
        assert {response.status_code for response in responses} == {201, 409}
        assert vehicles(responses) == ids(cars)


def test_expired_holds_do_not_block_concurrent_requests(app, cars, allocate):
    for hour in range(ROUNDS):
        for car in cars:
            assert allocate(car, hour_start(hour), hour_start(hour + 1), hold_seconds=60).status_code == 201
        let_holds_expire(app)
        responses = send_concurrently(app, [request_for(hour)] * THREADS)
        assert count_outcomes(responses) == {201: 3, "none_available": THREADS - 3}
        assert vehicles(responses) == ids(cars)


def test_requests_for_several_vehicles_get_all_or_none(app, cars, register):
    more = [register("Car3"), register("Car4")]
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [request_for(hour, quantity=2)] * 4)
        assert count_outcomes(responses) == {201: 2, "none_available": 2}
        assert len(set(vehicles(responses))) == 4
        assert set(vehicles(responses)) <= set(ids(cars + more))
