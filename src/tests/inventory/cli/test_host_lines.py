"""Both services, over real sockets: a request must have exactly one Host header (RFC 9112, section 3.2)."""

import pytest

from tests.support.raw_client import send
from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

BAD = {
    "none": [],
    "twice": ["Host: localhost", "Host: localhost"],
    "two different ones": ["Host: localhost", "X-Between: x", "host: evil.example"],
    "empty": ["Host:"],
    "two in one": ["Host: localhost, localhost"],
}


@pytest.fixture
def ports(served_pair):
    """The ports of an inventory and of a gateway in front of it, and a client's API key."""
    return served_pair


def status(port, path, *lines, version="1.1"):
    head = [f"GET {path} HTTP/{version}", *lines, "Connection: close", "", ""]
    return send(port, "\r\n".join(head).encode()).status


@table_driven("service", ["inventory", "gateway"])
@table_driven("path", ["/healthz", "/readyz", "/metrics", "/api/cars", "/docs/problems", "/nowhere"])
def test_no_host_or_two_hosts_get_400(ports, service, path):
    statuses = {case: status(ports[service], path, *lines) for case, lines in BAD.items()}
    assert statuses == dict.fromkeys(BAD, 400)


@pytest.mark.parametrize("service", ["inventory", "gateway"])
def test_a_request_with_one_host_gets_a_response(ports, service):
    assert status(ports[service], "/healthz", "Host: localhost") == 200
    assert status(ports[service], "/healthz", "Host: lb.example") == 200
