"""One Host in each request (RFC 9112, 3.2), as bytes over sockets, for both services under the production server."""

import pytest

from invsys.gateway.auth import client_admin
from tests.conftest import migrate
from tests.support.gateway_server import served_gateway
from tests.support.raw_caller import ask
from tests.support.serving import run_server

BAD = {
    "none": [],
    "twice": ["Host: localhost", "Host: localhost"],
    "twice, not the same": ["Host: localhost", "X-Between: x", "host: evil.example"],
    "empty": ["Host:"],
    "two in one": ["Host: localhost, localhost"],
}


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """The ports of an inventory and of a gateway in front of it."""
    folder, behind = tmp_path_factory.mktemp("gateway"), tmp_path_factory.mktemp("inventory")
    client_admin.add(folder / "clients.ini", "reader", ["resources:read"])
    migrate(url := f"sqlite:///{behind / 'hosts.sqlite3'}")
    with (
        run_server(url, behind, workers=1) as (_, inventory, _),
        served_gateway(folder, {"services": {"inventory": f"http://127.0.0.1:{inventory}"}}) as gateway,
    ):
        yield {"inventory": inventory, "gateway": gateway.port}


def status(port, path, *lines, version="1.1"):
    head = [f"GET {path} HTTP/{version}", *lines, "Connection: close", "", ""]
    return ask(port, "\r\n".join(head).encode()).status


@pytest.mark.parametrize("service", ["inventory", "gateway"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/api/cars", "/docs/problems", "/nowhere"])
def test_none_or_two_hosts_are_a_bad_request(ports, service, path):
    found = {case: status(ports[service], path, *lines) for case, lines in BAD.items()}
    assert found == dict.fromkeys(BAD, 400)


@pytest.mark.parametrize("service", ["inventory", "gateway"])
def test_one_host_is_answered(ports, service):
    assert status(ports[service], "/healthz", "Host: localhost") == 200
    assert status(ports[service], "/healthz", "Host: lb.example") == 200
