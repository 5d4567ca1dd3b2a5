"""A Host that is not allowed is refused with 421, a malformed one with 400; paths for operators accept any name."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from invsys.chassis.access import allowed_hosts
from invsys.chassis.access.allowed_hosts import AllowedHosts
from invsys.chassis.http import problems, request_body, request_id
from invsys.chassis.http.problems import MisdirectedRequest, Problem
from invsys.chassis.ops import health, metrics, request_log
from tests.support.refusals import refused
from tests.support.tables import table_driven

# A Host, and whether a service that listens on loopback accepts it.
LOCAL = [
    ("localhost", True),
    ("localhost:5000", True),
    ("LOCALHOST", True),
    ("localhost.", True),
    ("localhost.:5000", True),
    ("localhost:", True),
    ("127.0.0.1", True),
    ("127.0.0.1:5000", True),
    ("[::1]", True),
    ("[::1]:5000", True),
    ("[0:0:0:0:0:0:0:1]", True),
    ("127.0.0.2", False),
    ("127.1", False),
    ("2130706433", False),
    ("[::2]", False),
    ("[::ffff:127.0.0.1]", False),
    ("evil.example", False),
    ("localhost.evil.example", False),
    ("evil.example:5000", False),
    ("a_b", False),
    (".".join(["a" * 63] * 4), False),
]
MALFORMED = [
    "",
    " ",
    ".",
    "localhost..",
    ".localhost",
    "a..b",
    "a" * 64,
    ":5000",
    "localhost:x",
    "localhost:123456",
    "localhost:5000:5000",
    "localhost,localhost",
    "localhost, evil.example",
    "user@localhost",
    "localhost/",
    "localhost/api",
    "localhost?x",
    "localhost#x",
    "local host",
    "localhost\t",
    "[::1",
    "::1",
    "[]",
    "[localhost]",
    "[::1]x",
    "[1:2]",
    "b\xfccher.example",
    "%6cocalhost",
    "a." * 140,
    "a" * 65_000,
]


def server(hosts: str = "", host: str = "127.0.0.1") -> dict[str, Any]:
    return {"host": host, "allowed_hosts": hosts, "threads": 2, "body_timeout": 10}


def is_allowed(hosts: AllowedHosts, host: str) -> bool:
    try:
        hosts.require(host)
    except MisdirectedRequest:
        return False
    return True


CreateClient = Callable[..., FlaskClient]


@pytest.fixture
def create_client() -> CreateClient:
    def create_client(hosts: str = "", host: str = "127.0.0.1", **more: Any) -> FlaskClient:
        app = Flask("tiny", static_folder=None)
        for module in (request_log, request_id, metrics, problems):
            module.register(app)
        request_body.register(app, server(hosts, host))
        allowed_hosts.register(app, server(hosts, host), **more)
        health.register(app, lambda: None)
        app.add_url_rule("/cars", "cars", lambda: "served", methods=["GET", "POST"])
        return app.test_client()

    return create_client


def get(client: FlaskClient, host: str | None, path: str = "/cars", **more: Any) -> Any:
    """Send a request with exactly this Host, or without Host if it is None."""
    environ = EnvironBuilder(path, environ_base={"REMOTE_ADDR": "127.0.0.1"}, **more).get_environ()
    del environ["HTTP_HOST"]
    environ["PATH_INFO"] = path  # set here, because two slashes in a URL begin a host name
    return Response.from_app(client.application, environ | ({} if host is None else {"HTTP_HOST": host}))


@table_driven(("host", "allowed"), LOCAL)
def test_on_loopback_only_the_names_of_this_machine_are_accepted(
    create_client: CreateClient, host: str, allowed: bool
) -> None:
    client = create_client()
    for _ in range(2):  # the second time from the cache
        response = get(client, host)
        if allowed:
            assert (response.status_code, response.get_data(as_text=True)) == (200, "served")
        else:
            assert "[server] allowed_hosts" in refused(response, 421, "misdirected_request")["detail"]


@table_driven("host", MALFORMED)
@table_driven("hosts", ["", "*"])
def test_a_malformed_or_repeated_host_is_a_bad_request(create_client: CreateClient, hosts: str, host: str) -> None:
    refused(get(create_client(hosts), host), 400, "http_400")


@pytest.mark.parametrize("hosts", ["", "*", "inventory"])
def test_a_missing_host_is_a_bad_request(create_client: CreateClient, hosts: str) -> None:
    refused(get(create_client(hosts), None), 400, "http_400")


@pytest.mark.parametrize("host", ["evil.example", "203.0.113.7:5000", "[::2]"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_paths_for_operators_accept_any_host(create_client: CreateClient, path: str, host: str) -> None:
    assert get(create_client(), host, path).status_code == 200


@table_driven("host", [None, *MALFORMED])
def test_the_paths_for_operators_require_one_well_formed_host(create_client: CreateClient, host: str | None) -> None:
    # RFC 9112, section 3.2.
    refused(get(create_client(), host, "/healthz"), 400, "http_400")


@pytest.mark.parametrize("host", [None, ""])
def test_a_health_check_with_http_1_0_needs_no_host(create_client: CreateClient, host: str | None) -> None:
    http_1_0 = {"environ_overrides": {"SERVER_PROTOCOL": "HTTP/1.0"}}
    assert get(create_client(), host, "/healthz", **http_1_0).status_code == 200
    refused(get(create_client(), "a,b", "/healthz", **http_1_0), 400, "http_400")
    refused(get(create_client(), host, **http_1_0), 400, "http_400")


@pytest.mark.parametrize("path", ["/healthz/", "//healthz", "/metrics/x", "/nowhere", "/"])
def test_paths_that_resemble_an_operators_path_are_refused(create_client: CreateClient, path: str) -> None:
    refused(get(create_client(), "evil.example", path), 421, "misdirected_request")


def test_the_host_names_of_this_machine_are_accepted(create_client: CreateClient) -> None:
    for name in (socket.gethostname(), socket.getfqdn()):
        assert get(create_client(), f"{name}:5000").status_code == 200


@table_driven("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_the_address_of_the_listening_socket_is_accepted(host: str) -> None:
    hosts = AllowedHosts(server(host=host))
    host_header = f"[{host.strip('[]')}]" if ":" in host else host
    assert is_allowed(hosts, f"{host_header}:5000")
    assert not is_allowed(hosts, "evil.example")


@table_driven("host", ["0.0.0.0", "::", "192.0.2.7", "2001:db8::1", "no-such-name.invalid"])
def test_beyond_loopback_any_host_is_accepted(host: str) -> None:
    assert is_allowed(AllowedHosts(server(host=host)), "bookings.example")


@table_driven("host", ["127.0.0.1", "0.0.0.0"])
@table_driven(
    ("hosts", "requested", "allowed"),
    [
        ("inventory", "inventory:5000", True),
        ("inventory", "INVENTORY.", True),
        ("inventory", "localhost", False),
        ("inventory", socket.gethostname(), False),
        ("Bookings.Example., 192.0.2.7 ,2001:DB8::7, [::1]", "bookings.example", True),
        ("bookings.example, 192.0.2.7", "192.0.2.7:80", True),
        ("2001:DB8::7", "[2001:db8:0::7]:80", True),
        ("[::1]", "[::1]", True),
        ("bookings.example", "www.bookings.example", False),
        ("*", "evil.example", True),
        ("inventory, *", "evil.example", True),
    ],
)
def test_the_setting_applies_to_any_listening_address(host: str, hosts: str, requested: str, allowed: bool) -> None:
    assert is_allowed(AllowedHosts(server(hosts, host)), requested) == allowed


@pytest.mark.parametrize("hosts", ["", "*"])
def test_the_cache_of_hosts_is_limited(hosts: str) -> None:
    allowed = AllowedHosts(server(hosts))
    for port in range(1000):
        allowed.require(f"localhost:{port}")
        assert is_allowed(allowed, f"evil{port}.example") == (hosts == "*")
    assert len(allowed.cached) == 256
    allowed.require("localhost:60000")


def test_a_refusal_is_a_problem_document(create_client: CreateClient) -> None:
    client = create_client()
    response = get(client, "evil.example", headers={"X-Request-Id": "mine"})
    assert refused(response, 421, "misdirected_request")["request_id"] == "mine"
    xml = get(client, "evil.example", headers={"Accept": "application/xml"})
    assert (xml.status_code, xml.mimetype) == (421, "application/problem+xml")


def test_a_refused_request_with_a_body_closes_the_connection(create_client: CreateClient) -> None:
    response = get(create_client(), "evil.example", method="POST", data=b"abc")
    assert (response.status_code, response.headers["Connection"]) == (421, "close")


def test_before_refusal_may_raise_another_problem(create_client: CreateClient) -> None:
    class TooMany(Problem):
        status, code, title, advice = 429, "too_many_requests", "Too many", "None."

    def refuse() -> None:
        raise TooMany("Too many.")

    client = create_client(before_refusal=refuse)
    assert get(client, "evil.example").status_code == 429
    assert get(client, "localhost").status_code == 200
