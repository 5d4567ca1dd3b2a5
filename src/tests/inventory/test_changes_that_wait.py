"""Orders that wait for another one's lock decide by what they find afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.inventory.blocking import locked, until_waiting
from tests.inventory.instants import at, wire

MOVE = "UPDATE continuous_resource_allocations SET resource_key = (SELECT max(key) FROM continuous_resources)"
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


@pytest.mark.parametrize(
    ("method", "body", "status"), [("PATCH", {"description": "changed"}, 200), ("DELETE", None, 204)]
)
def test_an_allocation_that_is_moved_meanwhile_is_still_found_among_all(
    engine, app, database_url, pool, cars, allocate, method, body, status
):
    if engine == "sqlite":
        return
    booking = allocate(cars[0], at(10), at(12)).headers["Location"]
    with locked(database_url, MOVE):
        url = booking.replace(cars[0], "/api/cars/all")
        order = pool.submit(app.test_client().open, url, method=method, json=body)
        until_waiting(database_url, 1)
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
        # It counts nowhere any more, so nothing keeps its vehicle in circulation.
        assert client.delete(car).status_code == 204
    refused(order.result(), 409, "hold_expired")


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
