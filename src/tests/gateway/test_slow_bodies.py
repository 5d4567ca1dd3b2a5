"""Bodies that do not arrive at the gateway: at most half the threads wait for them."""

from invsys.gateway.auth import client_admin
from tests.support.gateway_server import served_gateway
from tests.support.raw_caller import ask, request
from tests.support.slow_bodies import slow_bodies
from tests.support.waiting import until

THREADS = 4


def test_others_are_answered_while_half_the_threads_wait_and_more_are_refused(upstream, tmp_path):
    key = client_admin.add(tmp_path / "clients.ini", "slow", ["resources:read", "resources:write"], concurrent=100)
    settings = {
        "services": {"inventory": upstream.url},
        "server": {"threads": THREADS, "body_timeout": 3600},
    }
    with (
        served_gateway(tmp_path, settings) as gateway,
        slow_bodies(gateway.port, 80, f"Authorization: Bearer {key}") as slow,
    ):
        until(lambda: sum(each.has_ended() for each in slow) == 80 - THREADS // 2)
        assert {each.status() for each in slow if each.has_ended()} <= {503, None}
        assert ask(gateway.port, request("GET", "/api/cars", key)).status == 200
        assert ask(gateway.port, request("POST", "/api/cars", key, body=b"{}")).status == 200
