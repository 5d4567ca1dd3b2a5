"""The metric of refused requests by client and limit; the number of its series is limited."""

import pytest
from prometheus_client import REGISTRY

from invsys.gateway import metrics
from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES


def count(client, limit):
    labels = {"client": client, "limit": limit}
    return REGISTRY.get_sample_value("gateway_limited_requests_total", labels) or 0.0


@pytest.fixture
def limited(build_from_ini, upstream):
    """Return a function that builds a gateway with the given limits."""

    def limited(**limits):
        return build_from_ini({"services": {"inventory": upstream.url}}, {"limits": limits})

    return limited


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        ({"rate": "1/hour"}, "rate"),
        ({"write_rate": "1/hour"}, "write_rate"),
        ({"rate": "1/hour; 5/day"}, "rate_3600s"),
    ],
)
def test_the_refused_requests_of_a_client_are_counted(limited, add_client, limits, limit):
    client = as_client(limited(**limits), add_client("booking", *ALL_SCOPES))
    before = count("booking", limit)
    statuses = [client.post("/api/cars", json={}).status_code for _ in range(3)]
    assert statuses[1:] == [429, 429]
    assert count("booking", limit) - before == 2


def test_refused_requests_without_a_key_are_counted_together(limited):
    client = limited(anonymous="1/hour").test_client()
    before = count("(anonymous)", "anonymous")
    for address in ("192.0.2.1", "192.0.2.2"):
        for _ in range(2):
            client.get("/api/cars", environ_overrides={"REMOTE_ADDR": address})
    assert count("(anonymous)", "anonymous") - before == 2


def test_only_the_first_100_clients_have_series_of_their_own(monkeypatch):
    monkeypatch.setattr(metrics, "_clients", set())
    others = count("(others)", "test")
    for _ in range(2):
        for number in range(102):
            metrics.count_limited("test", f"client-{number}")
    assert [count(f"client-{number}", "test") for number in (0, 99, 100, 101)] == [2, 2, 0, 0]
    assert count("(others)", "test") - others == 4
