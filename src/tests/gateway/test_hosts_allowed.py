"""The host names that the gateway accepts; a request with a wrong one counts as one of an unknown caller."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.refusals import refused


def call(client, host, path="/api/cars"):
    return client.get(path, headers={"Host": host})


@pytest.fixture
def client(gateway, upstream, key_of):
    return as_client(gateway(upstream.url), key_of("booking", *EVERYTHING))


@pytest.mark.parametrize("host", ["localhost:5001", "127.0.0.1:5001", "[::1]:5001"])
def test_by_default_this_machines_names_are_answered(client, host):
    assert call(client, host).status_code == 200


def test_by_default_another_name_is_refused(client, upstream):
    refused(call(client, "bookings.example"), 421, "misdirected_request")
    # Another test's gateway may still send health checks to this port.
    assert not [request for request in upstream.requests if not request.head.startswith(b"GET /healthz ")]


@pytest.mark.parametrize(
    "more", [{"INVSYS_SERVER_ALLOWED_HOSTS": "bookings.example"}, {"INVSYS_SERVER_HOST": "0.0.0.0"}], ids=str
)
def test_a_name_in_the_setting_or_any_beyond_loopback_is_answered(gateway, upstream, key_of, more):
    client = as_client(gateway(upstream.url, **more), key_of("booking", *EVERYTHING))
    assert call(client, "bookings.example").status_code == 200
    assert upstream.requests[0].values("host") == [upstream.url.removeprefix("http://")]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operators_may_use_any_host_name(client, path):
    assert call(client, "bookings.example", path).status_code == 200


@pytest.mark.parametrize("host", ["bookings.example", "a,b"])
def test_refusals_are_counted_by_address(gateway, host):
    client = gateway("http://127.0.0.1:9", INVSYS_LIMITS_ANONYMOUS="3/hour").test_client()
    answers = [call(client, host) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [421 if host == "bookings.example" else 400] * 3 + [429] * 2
    assert answers[-1].headers["Retry-After"]


def test_the_gateways_own_pages_are_counted_by_address(gateway):
    client = gateway("http://127.0.0.1:9", INVSYS_LIMITS_ANONYMOUS="2/hour").test_client()
    answers = [client.get("/docs/problems/rate_limited") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
