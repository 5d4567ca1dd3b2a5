"""Rate limits shared by several gateways through a real Redis, and counted separately while it is down."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.rate_limit_fields import announced
from tests.support.waiting import until


@pytest.fixture
def two_gateways(build_from_ini, upstream, redis):
    """Return a function that builds two gateways that share their counters, and returns a test client of each."""

    def two_gateways(key, rate="1000000/hour", anonymous="1000000/hour"):
        sections = {"limits": {"rate": rate, "anonymous": anonymous, "storage": redis.url}}
        apps = [build_from_ini({"services": {"inventory": upstream.url}}, sections) for _ in range(2)]
        return [as_client(app, key) if key else app.test_client() for app in apps]

    return two_gateways


def test_two_gateways_share_the_limit_of_a_client(two_gateways, add_client):
    first, second = two_gateways(add_client("booking", *ALL_SCOPES, rate="5/hour"))
    responses = [client.get("/api/cars") for client in (first, second) * 4]
    assert [response.status_code for response in responses] == [200] * 5 + [429] * 3
    assert [announced(response)["rate"] for response in responses] == [(5, left) for left in (4, 3, 2, 1, 0, 0, 0, 0)]
    assert all(1 <= int(response.headers["Retry-After"]) <= 3601 for response in responses[5:])


def test_two_gateways_share_the_anonymous_limit(two_gateways):
    first, second = two_gateways(None, anonymous="3/hour")
    assert [client.get("/docs").status_code for client in (first, second) * 3] == [200] * 3 + [429] * 3


def test_without_redis_each_gateway_counts_separately(two_gateways, add_client, redis):
    first, second = two_gateways(add_client("booking", *ALL_SCOPES, rate="3/hour"))
    assert [client.get("/api/cars").status_code for client in (first, second)] == [200, 200]
    redis.kill()
    for client in (first, second):
        statuses = [client.get("/api/cars").status_code for _ in range(6)]
        assert set(statuses) == {200, 429}
        assert statuses[:3] == [200] * 3
        assert statuses[-2:] == [429] * 2


def test_a_gateway_starts_without_redis(build_from_ini, upstream, add_client):
    key = add_client("booking", *ALL_SCOPES, rate="3/hour")
    app = build_from_ini({"services": {"inventory": upstream.url}, "limits": {"storage": "redis://127.0.0.1:1/0"}})
    statuses = [as_client(app, key).get("/api/cars").status_code for _ in range(5)]
    assert statuses == [200] * 3 + [429] * 2


def test_gateways_share_limits_again_when_redis_is_back(two_gateways, add_client, redis):
    first, second = two_gateways(add_client("booking", *ALL_SCOPES, rate="100000/hour"))
    for client in (first, second):
        assert client.get("/api/cars").status_code == 200
    redis.kill()
    for client in (first, second):
        assert client.get("/api/cars").status_code == 200
    redis.start()

    def remaining(client):
        return announced(client.get("/api/cars"))["rate"][1]

    until(lambda: remaining(first) - remaining(second) == 1 and remaining(second) - remaining(first) == 1)
