"""Concurrent changes: one of two conflicting changes succeeds, compatible changes all succeed, and none deadlock."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.effort import rounds
from tests.support.hours_in_2099 import hour_start, hours_of, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")

ROUNDS = rounds(4, 8)


@pytest.fixture
def cars(register):
    """The URLs of three cars."""
    return [register(f"Car{number}") for number in range(3)]


def change(url, **fields):
    return {"method": "PATCH", "path": f"/api/cars/all/allocations/{url[-36:]}", "json": fields}


def to(car):
    return {"resource_id": car[-36:]}


def test_one_of_two_moves_into_the_same_gap_succeeds(app, client, cars, allocate):
    for hour in range(ROUNDS):
        urls = [allocate(car, hour_start(hour), hour_start(hour + 1)).headers["Location"] for car in cars[:2]]
        assert count_outcomes(send_concurrently(app, [change(url, **to(cars[2])) for url in urls])) == {
            200: 1,
            "period_taken": 1,
        }
    assert [hours_of(row) for row in client.get(f"{cars[2]}/allocations").json] == [(n, n + 1) for n in range(ROUNDS)]


def test_one_of_two_neighbours_extends_into_the_gap_between_them(app, client, cars, allocate):
    before, after = (
        allocate(cars[0], hour_start(start), hour_start(start + 2)).headers["Location"] for start in (10, 14)
    )
    for _ in range(ROUNDS):
        grow = [change(before, to_datetime=hour_start(14)), change(after, from_datetime=hour_start(12))]
        assert count_outcomes(send_concurrently(app, grow)) == {200: 1, "period_taken": 1}
        for url, start in ((before, 10), (after, 14)):
            assert client.patch(url, json=period_fields(start, start + 2)).status_code == 200


def test_a_change_and_a_new_allocation_cannot_both_get_the_period(app, client, cars, allocate):
    growing = allocate(cars[0], hour_start(0), hour_start(1)).headers["Location"]
    for hour in range(1, ROUNDS):
        new = {"method": "POST", "path": f"{cars[0]}/allocations", "json": period_fields(20 - hour, 21 - hour)}
        responses = send_concurrently(app, [change(growing, to_datetime=hour_start(21 - hour)), new])
        assert sorted(response.status_code for response in responses) in ([200, 409], [201, 409])
        for row in client.get(f"{cars[0]}/allocations").json:
            if not growing.endswith(row["id"]):
                client.delete(f"{cars[0]}/allocations/{row['id']}")
        client.patch(growing, json=period_fields(0, 1))


def test_two_allocations_that_would_swap_vehicles_block_each_other(app, client, cars, allocate):
    one, other = (allocate(car, hour_start(10), hour_start(12)).headers["Location"] for car in cars[:2])
    for _ in range(ROUNDS):
        assert count_outcomes(send_concurrently(app, [change(one, **to(cars[1])), change(other, **to(cars[0]))])) == {
            "period_taken": 2
        }


def test_two_allocations_without_a_conflict_can_swap_vehicles(app, client, cars, allocate):
    one, other = (
        allocate(car, hour_start(hour), hour_start(hour + 2)).headers["Location"]
        for car, hour in ((cars[0], 10), (cars[1], 14))
    )
    for turn in range(ROUNDS):
        there, back = cars[(turn + 1) % 2], cars[turn % 2]
        assert count_outcomes(send_concurrently(app, [change(one, **to(there)), change(other, **to(back))])) == {200: 2}
        assert [len(client.get(f"{car}/allocations").json) for car in cars] == [1, 1, 0]


def test_two_vehicles_cannot_both_get_the_same_name(app, client, cars):
    for turn in range(ROUNDS):
        requests = [{"method": "PATCH", "path": car, "json": {"name": f"New{turn}"}} for car in cars]
        assert count_outcomes(send_concurrently(app, requests)) == {200: 1, "name_taken": 2}
    names = [car["name"] for car in client.get("/api/cars").json]
    assert len(set(names)) == 3
