"""The host names that the gateway accepts; requests with any other are refused, and counted as anonymous."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.refusals import refused
from tests.support.tables import table_driven


def call(client, host, path="/api/cars"):
    return client.get(path, headers={"Host": host})


@pytest.fixture
def client(build_gateway, upstream, add_client):
    return as_client(build_gateway(upstream.url), add_client("booking", *ALL_SCOPES))


@table_driven("host", ["localhost:5001", "127.0.0.1:5001", "[::1]:5001"])
def test_by_default_the_names_of_this_machine_are_accepted(client, host):
    assert call(client, host).status_code == 200


def test_by_default_other_names_are_rejected(client, upstream):
    refused(call(client, "bookings.example"), 421, "misdirected_request")
    # Another test's gateway may still send health checks to this port.
    assert not [request for request in upstream.requests if not request.head.startswith(b"GET /healthz ")]


@pytest.mark.parametrize(
    "variables", [{"INVSYS_SERVER_ALLOWED_HOSTS": "bookings.example"}, {"INVSYS_SERVER_HOST": "0.0.0.0"}], ids=str
)
def test_a_configured_name_or_any_name_if_not_on_loopback_is_accepted(build_gateway, upstream, add_client, variables):
    client = as_client(build_gateway(upstream.url, **variables), add_client("booking", *ALL_SCOPES))
    assert call(client, "bookings.example").status_code == 200
    assert upstream.requests[0].values("host") == [upstream.url.removeprefix("http://")]


@table_driven("path", ["/healthz", "/readyz", "/metrics"])
def test_operator_paths_accept_any_host_name(client, path):
    assert call(client, "bookings.example", path).status_code == 200


@pytest.mark.parametrize("host", ["bookings.example", "a,b"])
def test_rejected_hosts_are_counted_by_address(build_gateway, host):
    client = build_gateway("http://127.0.0.1:9", INVSYS_LIMITS_ANONYMOUS="3/hour").test_client()
    responses = [call(client, host) for _ in range(5)]
    rejected = 421 if host == "bookings.example" else 400
    assert [response.status_code for response in responses] == [rejected] * 3 + [429] * 2
    assert responses[-1].headers["Retry-After"]


def test_the_pages_of_the_gateway_are_counted_by_address(build_gateway):
    client = build_gateway("http://127.0.0.1:9", INVSYS_LIMITS_ANONYMOUS="2/hour").test_client()
    responses = [client.get("/docs/problems/rate_limited") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
