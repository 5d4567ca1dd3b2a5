"""The size of request heads: both services accept every head that nginx forwards, and refuse much larger ones."""

import socket
import uuid
from contextlib import closing

import pytest

from tests.support.waiting import SECONDS

pytestmark = pytest.mark.one_engine

# The longest head that nginx forwards by default: client_header_buffer_size 1k, large_client_header_buffers 4 8k.
NGINX = 33 * 1024
IDS = "&".join(f"resource_id={uuid.uuid4()}" for _ in range(100))


@pytest.fixture
def ports(served_pair):
    """The ports of an inventory and of a gateway in front of it, and a client's API key."""
    return served_pair


@pytest.mark.parametrize("service", ["inventory", "gateway"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_in_http_1_0_needs_no_host(ports, service, path):
    assert b" 200 " in raw(ports[service], f"GET {path} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n")[0]
    for head in (f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /api/cars HTTP/1.0\r\n\r\n"):
        assert b" 400 " in raw(ports[service], head.encode()).partition(b"\r\n")[0]


def send_head(port, target, *lines):
    """Send a GET request, and return everything that is received until the connection is closed."""
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]).encode()
    return raw(port, head)


def raw(port, head):
    """Send bytes, and return everything that is received until the connection is closed."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=SECONDS)) as connection:
        connection.sendall(head)
        with connection.makefile("rb") as stream:
            return stream.read()


def status(response):
    return int(response.split(b" ", 2)[1])


@pytest.mark.parametrize("service", ["inventory", "gateway"])
def test_a_query_of_100_ids_and_a_long_token_are_accepted(ports, service):
    token = "t" * 5000
    assert status(send_head(ports[service], f"/healthz?{IDS}", f"Authorization: Bearer {token}")) == 200
    # The inventory refuses the unknown parameter; the gateway refuses the invalid token first.
    expected = {"inventory": 422, "gateway": 401}[service]
    assert status(send_head(ports[service], f"/api/cars?{IDS}", f"Authorization: Bearer {token}")) == expected
    assert status(send_head(ports[service], f"/api/cars?{IDS}", f"Authorization: Bearer {ports['key']}")) == 422


@pytest.mark.parametrize("service", ["inventory", "gateway"])
def test_the_longest_head_that_nginx_forwards_is_accepted(ports, service):
    lines = [f"X-Line-{number}: {'x' * 8000}" for number in range(4)]
    rest = NGINX - sum(len(line) + 2 for line in lines)
    lines.append(f"X-Rest: {'x' * (rest - len('X-Rest: '))}")
    assert status(send_head(ports[service], "/api/cars", f"Authorization: Bearer {ports['key']}", *lines)) == 200


@pytest.mark.parametrize("service", ["inventory", "gateway"])
@pytest.mark.parametrize("part", ["query", "header", "many"])
def test_a_head_of_60_kb_is_refused_and_the_connection_closed(ports, service, part):
    target = f"/healthz?{'x' * 60_000}" if part == "query" else "/healthz"
    lines = {"query": [], "header": [f"X-Line: {'x' * 60_000}"], "many": [f"X-{n}: {'x' * 750}" for n in range(80)]}
    assert status(send_head(ports[service], target, *lines[part])) == 431


def test_a_query_that_the_gateway_makes_too_long_is_refused_and_the_upstream_stays_available(ports):
    authorization = f"Authorization: Bearer {ports['key']}"
    assert status(send_head(ports["gateway"], f"/api/cars?name={'|' * 30_000}", authorization)) == 431
    assert status(send_head(ports["gateway"], "/api/cars", authorization)) == 200
