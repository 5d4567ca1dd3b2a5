"""Gateways that count together, in a real Redis, and each by itself while that is away."""

import time

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.redis_server import RedisServer
from tests.support.waiting import until


@pytest.fixture
def redis(tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def two(built, upstream, redis):
    """Make a client of this rate a caller of two gateways that count together."""

    def two(key, rate="1000000/hour", anonymous="1000000/hour"):
        limits = {"limits": {"rate": rate, "anonymous": anonymous, "storage": redis.url}}
        apps = [built({"services": {"inventory": upstream.url}}, limits) for _ in range(2)]
        return [as_client(app, key) if key else app.test_client() for app in apps]

    return two


def test_two_gateways_count_together(two, key_of):
    one, other = two(key_of("booking", *EVERYTHING, rate="5/hour"))
    found = [client.get("/api/cars") for client in (one, other) * 4]
    assert [answer.status_code for answer in found] == [200] * 5 + [429] * 3
    assert [answer.headers["RateLimit-Remaining"] for answer in found] == ["4", "3", "2", "1", "0", "0", "0", "0"]
    assert all(1 <= int(answer.headers["Retry-After"]) <= 3601 for answer in found[5:])


def test_two_gateways_count_together_whoever_is_not_known(two):
    one, other = two(None, anonymous="3/hour")
    assert [client.get("/docs").status_code for client in (one, other) * 3] == [200] * 3 + [429] * 3


def test_without_redis_each_gateway_counts_by_itself(two, key_of, redis):
    one, other = two(key_of("booking", *EVERYTHING, rate="3/hour"))
    assert [client.get("/api/cars").status_code for client in (one, other)] == [200, 200]
    redis.kill()
    started = time.monotonic()
    for client in (one, other):
        found = [client.get("/api/cars").status_code for _ in range(6)]
        assert set(found) == {200, 429}
        assert found[:3] == [200] * 3
        assert found[-2:] == [429] * 2
    # Nobody waits for what is away.
    assert time.monotonic() - started < 2


def test_a_gateway_starts_without_redis(built, upstream, key_of):
    key = key_of("booking", *EVERYTHING, rate="3/hour")
    app = built({"services": {"inventory": upstream.url}, "limits": {"storage": "redis://127.0.0.1:1/0"}})
    found = [as_client(app, key).get("/api/cars").status_code for _ in range(5)]
    assert found == [200] * 3 + [429] * 2


def test_gateways_count_together_again_when_redis_is_back(two, key_of, redis):
    one, other = two(key_of("booking", *EVERYTHING, rate="100000/hour"))
    for client in (one, other):
        assert client.get("/api/cars").status_code == 200
    redis.kill()
    for client in (one, other):
        assert client.get("/api/cars").status_code == 200
    redis.start()

    def left(client):
        return int(client.get("/api/cars").headers["RateLimit-Remaining"])

    until(lambda: left(one) - left(other) == 1 and left(other) - left(one) == 1, seconds=15)
