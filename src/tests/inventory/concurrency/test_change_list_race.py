"""Concurrent change lists, new allocations and moves: they neither deadlock nor lose a row.

Of two conflicting requests, one succeeds.
"""

import random
from itertools import pairwise

import pytest

from tests.support.change_lists import CHANGES, entry
from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.effort import rounds
from tests.support.hours_in_2099 import hour_start, hours_of, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")

ROUNDS, THREADS = rounds(3, 8), 6


@pytest.fixture
def cars(register):
    """The URLs of six cars."""
    return [register(f"Car{number}") for number in range(6)]


@pytest.fixture
def rows(cars, allocate):
    """An allocation of each car, from 10:00 to 12:00."""
    return [allocate(car, hour_start(10), hour_start(12)).json for car in cars]


def change_list(*entries, **headers):
    return {"method": "POST", "path": CHANGES, "json": {"changes": list(entries)}, "headers": headers}


def patch(row, **fields):
    return {"method": "PATCH", "path": f"/api/cars/all/allocations/{row['id']}", "json": fields}


def create(car, start, end):
    return {"method": "POST", "path": f"{car}/allocations", "json": period_fields(start, end)}


def test_lists_of_the_same_allocations_in_opposite_order_all_succeed(app, client, cars, rows):
    ids = [row["id"] for row in rows]
    for _ in range(ROUNDS):
        turned = [entry(row, cars[(number + 1) % 6]) for number, row in enumerate(rows)]
        back = [entry(row, car) for row, car in zip(rows, cars, strict=True)]
        requests = [change_list(*turned), change_list(*reversed(turned)), change_list(*back), change_list(*back[::-1])]
        assert count_outcomes(send_concurrently(app, requests)) == {200: 4}
        listed = client.get("/api/cars/all/allocations").json
        assert sorted(row["id"] for row in listed) == sorted(ids)
        assert sorted(row["resource_id"] for row in listed) == sorted(car[-36:] for car in cars)
    assert {row["version"] for row in listed} == {1 + 4 * ROUNDS}


def test_random_swaps_neither_deadlock_nor_lose_a_row(app, client, cars, rows):
    choose = random.Random(7)
    for _ in range(ROUNDS):
        # Each request moves two allocations to any vehicle. This is always possible, because the two can swap vehicles.
        pairs = [choose.sample(rows, 2) for _ in range(THREADS)]
        requests = [change_list(*(entry(row, "any") for row in pair)) for pair in pairs]
        requests += [patch(choose.choice(rows), description="x") for _ in range(2)]
        assert count_outcomes(send_concurrently(app, requests)) == {200: THREADS + 2}
        listed = client.get("/api/cars/all/allocations").json
        assert {row["id"] for row in listed} == {row["id"] for row in rows}
        assert len({row["resource_id"] for row in listed}) == len(cars)


def test_no_create_gets_a_period_while_two_allocations_exchange_it(app, client, cars, rows):
    for _ in range(ROUNDS):
        swap = [entry(rows[0], cars[1]), entry(rows[1], cars[0])]
        there, back = change_list(*swap), change_list(entry(rows[0], cars[0]), entry(rows[1], cars[1]))
        responses = send_concurrently(app, [there, *(create(car, 10, 12) for car in cars[:2] * 2), back])
        assert count_outcomes(responses) == {200: 2, "period_taken": 4}
        assert len(client.get("/api/cars/all/allocations").json) == len(rows)


def test_a_period_that_a_list_leaves_is_allocated_once(app, client, cars, rows):
    for hour in range(13, 13 + ROUNDS):
        away = change_list(entry(rows[0], **period_fields(hour, hour + 1)), entry(rows[1], description="x"))
        responses = send_concurrently(app, [away, *[create(cars[0], hour - 1, hour + 1)] * 3])
        outcomes = count_outcomes(responses)
        assert outcomes in ({200: 1, "period_taken": 3}, {201: 1, "period_taken": 3})
        hours = sorted(hours_of(row) for row in client.get(f"{cars[0]}/allocations").json)
        assert all(one[1] <= other[0] for one, other in pairwise(hours))
        for row in client.get(f"{cars[0]}/allocations").json:
            if row["id"] != rows[0]["id"]:
                client.delete(f"{cars[0]}/allocations/{row['id']}")
        client.patch(f"/api/cars/all/allocations/{rows[0]['id']}", json=period_fields(hour, hour + 1))


@pytest.mark.parametrize("in_list", [False, True])
def test_as_many_allocations_move_as_vehicles_are_free(app, client, cars, register, allocate, in_list):
    rows = []
    for number, car in enumerate(cars):
        allocate(car, hour_start(20), hour_start(21))
        rows.append(allocate(car, hour_start(number), hour_start(number + 1)).json)
    spares = [register(f"Spare{number}") for number in range(2)]
    to_any = {"resource_id": "any", **{name: value for name, value in period_fields(20, 21).items() if value}}
    requests = [change_list(entry(row) | to_any) if in_list else patch(row, **to_any) for row in rows]
    responses = send_concurrently(app, requests)
    assert count_outcomes(responses) == {200: 2, "none_available": 4}
    assert [len(client.get(f"{spare}/allocations").json) for spare in spares] == [1, 1]


def test_all_allocations_move_while_each_leaves_a_free_vehicle(app, client, cars, rows, register):
    register("Spare")
    for _ in range(ROUNDS):
        responses = send_concurrently(app, [patch(row, resource_id="any") for row in rows])
        # If a request commits between the choice and the move of another, the other begins again.
        assert count_outcomes(responses) == {200: len(rows)}
        listed = client.get("/api/cars/all/allocations").json
        assert len({row["resource_id"] for row in listed}) == len(rows)


def test_a_list_with_one_key_is_executed_once(app, client, cars, rows):
    for turn in range(ROUNDS):
        request = change_list(entry(rows[0], "any"), entry(rows[1], "any"), **{"Idempotency-Key": f"key-{turn}"})
        responses = send_concurrently(app, [request] * 4)
        assert count_outcomes(responses) == {200: 4}
        assert sum("Idempotency-Replayed" not in response.headers for response in responses) == 1
        assert len({response.data for response in responses}) == 1
    assert client.get(f"/api/cars/all/allocations/{rows[0]['id']}").json["version"] == 1 + ROUNDS
