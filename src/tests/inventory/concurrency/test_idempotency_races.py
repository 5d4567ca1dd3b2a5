"""Concurrent requests with the same Idempotency-Key: only one is executed, and all get the same response."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.effort import rounds
from tests.support.hours_in_2099 import period_fields

pytestmark = [pytest.mark.usefixtures("feed_checker"), pytest.mark.through_gateway]

ANY = "/api/cars/any/allocations"
THREADS, ROUNDS = 4, rounds(2, 5)


@pytest.fixture
def cars(register):
    """The URLs of four cars."""
    return [register(f"Car{number}") for number in range(4)]


def request_for(path, body, key):
    return {"method": "POST", "path": path, "json": body, "headers": {"Idempotency-Key": key}}


def assert_executed_once(responses):
    """Check that all responses are equal, and that all except one are marked as replays."""
    assert count_outcomes(responses) == {201: len(responses)}
    assert len({response.data for response in responses}) == 1
    assert len({(response.headers.get("Location"), response.headers.get("ETag")) for response in responses}) == 1
    assert [response.headers.get("Idempotency-Replayed") for response in responses].count("true") == len(responses) - 1


def count(client):
    return len(client.get("/api/cars").json), len(client.get("/api/cars/all/allocations?limit=1000").json)


@pytest.mark.parametrize("threads", [2, 8])
def test_one_allocation_is_created(app, client, cars, threads):
    for hour in range(ROUNDS):
        assert_executed_once(
            send_concurrently(
                app, [request_for(f"{cars[0]}/allocations", period_fields(hour, hour + 1), f"key-{hour}")] * threads
            )
        )
        assert count(client) == (4, hour + 1)


def test_one_vehicle_is_registered(app, client):
    for number in range(ROUNDS):
        assert_executed_once(
            send_concurrently(app, [request_for("/api/cars", {"name": f"Car{number}"}, f"key-{number}")] * THREADS)
        )
        assert count(client) == (number + 1, 0)


@pytest.mark.parametrize("threads", [2, 8])
def test_one_allocation_of_any_vehicle_is_created(app, client, cars, threads):
    for hour in range(ROUNDS):
        assert_executed_once(
            send_concurrently(app, [request_for(ANY, period_fields(hour, hour + 1), f"key-{hour}")] * threads)
        )
        assert count(client) == (4, hour + 1)


def test_one_allocation_of_several_vehicles_is_created(app, client, cars):
    for hour in range(ROUNDS):
        assert_executed_once(
            send_concurrently(
                app, [request_for(ANY, period_fields(hour, hour + 1) | {"quantity": 2}, f"key-{hour}")] * THREADS
            )
        )
        assert count(client) == (4, 2 * (hour + 1))


def test_the_last_vehicle_is_allocated_once_and_all_requests_succeed(app, client, register):
    register("Car1")
    for hour in range(ROUNDS):
        assert_executed_once(
            send_concurrently(app, [request_for(ANY, period_fields(hour, hour + 1), f"key-{hour}")] * THREADS)
        )
        assert count(client) == (1, hour + 1)


def test_each_key_gets_a_different_vehicle(app, client, cars):
    for hour in range(ROUNDS):
        keys = [f"{key}-{hour}" for key in "abcd"]
        responses = send_concurrently(app, [request_for(ANY, period_fields(hour, hour + 1), key) for key in keys * 2])
        for one, other in zip(responses[:4], responses[4:], strict=True):
            assert_executed_once([one, other])
        assert {response.json["resource_id"] for response in responses} == {car[-36:] for car in cars}
        assert count(client) == (4, 4 * (hour + 1))


def test_of_two_bodies_with_one_key_one_is_executed(app, client, cars):
    for hour in range(ROUNDS):
        bodies = [period_fields(hour, hour + 1) | {"description": text} for text in ("this", "that")]
        responses = send_concurrently(
            app, [request_for(f"{cars[0]}/allocations", body, f"key-{hour}") for body in bodies]
        )
        assert count_outcomes(responses) == {201: 1, "idempotency_key_reused": 1}
        assert count(client) == (4, hour + 1)


def test_of_two_paths_with_one_key_one_is_executed(app, client, cars):
    for hour in range(ROUNDS):
        requests = [request_for(f"{car}/allocations", period_fields(hour, hour + 1), f"key-{hour}") for car in cars[:2]]
        assert count_outcomes(send_concurrently(app, requests)) == {201: 1, "idempotency_key_reused": 1}
        assert count(client) == (4, hour + 1)


def test_two_clients_can_use_the_same_key_for_different_requests(app, client, cars):
    requests = [request_for(ANY, period_fields(10, 12), "key") for _ in range(2)]
    for number, request in enumerate(requests):
        request["headers"]["X-Client-Id"] = f"client-{number}"
    responses = send_concurrently(app, requests * 2)
    for one, other in zip(responses[:2], responses[2:], strict=True):
        assert_executed_once([one, other])
    assert count(client) == (4, 2)
