"""Many want any free vehicle at the same moment: nobody gets a taken one, and nobody is sent away while one is free."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.instants import at, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("strict_reader")

THREADS, ROUNDS = 8, 5


@pytest.fixture(params=["random", "best_fit"])
def environ(environ, request):
    return environ | {"INVSYS_API_ANY_STRATEGY": request.param}


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


def order(hour, vehicle="/api/cars/any", **fields):
    return {"method": "POST", "path": f"{vehicle}/allocations", "json": period_fields(hour, hour + 1) | fields}


def vehicles(responses):
    """Give the vehicle of each allocation that was made."""
    made = [response.json for response in responses if response.status_code == 201]
    flat = [one for each in made for one in (each if isinstance(each, list) else [each])]
    return sorted(one["resource_id"] for one in flat)


def ids(cars):
    return sorted(car[-36:] for car in cars)


def test_as_many_win_as_there_are_vehicles(app, client, cars):
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [order(hour)] * THREADS)
        assert count_outcomes(responses) == {201: 3, "none_available": THREADS - 3}
        assert vehicles(responses) == ids(cars)
    assert len(client.get("/api/cars/all/allocations").json) == 3 * ROUNDS


def test_all_win_while_there_are_enough(app, cars, register):
    more = [register(f"More{number}") for number in range(THREADS - 3)]
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [order(hour)] * THREADS)
        assert count_outcomes(responses) == {201: THREADS}
        assert vehicles(responses) == ids(cars + more)


def test_those_that_only_overlap_share_as_well(app, cars):
    for hour in range(0, 2 * ROUNDS, 2):
        periods = [period_fields(hour, hour + 2), period_fields(hour + 1, hour + 2), period_fields(hour, hour + 2)]
        orders = [order(hour) | {"json": period} for period in periods * 3]
        responses = send_concurrently(app, orders)
        assert count_outcomes(responses) == {201: 3, "none_available": 6}
        assert vehicles(responses) == ids(cars)


def test_named_vehicles_taken_meanwhile_are_missed(app, cars):
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [order(hour)] * 3 + [order(hour, car) for car in cars])
        assert {response.status_code for response in responses} == {201, 409}
        assert vehicles(responses) == ids(cars)


def test_expired_holds_are_in_nobodys_way(app, cars, allocate):
    for hour in range(ROUNDS):
        for car in cars:
            assert allocate(car, at(hour), at(hour + 1), hold_seconds=60).status_code == 201
        let_holds_expire(app)
        responses = send_concurrently(app, [order(hour)] * THREADS)
        assert count_outcomes(responses) == {201: 3, "none_available": THREADS - 3}
        assert vehicles(responses) == ids(cars)


def test_orders_of_several_get_all_or_none(app, cars, register):
    more = [register("Car3"), register("Car4")]
    for hour in range(ROUNDS):
        responses = send_concurrently(app, [order(hour, quantity=2)] * 4)
        assert count_outcomes(responses) == {201: 2, "none_available": 2}
        assert len(set(vehicles(responses))) == 4
        assert set(vehicles(responses)) <= set(ids(cars + more))
