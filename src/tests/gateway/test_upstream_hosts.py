"""A service on several hosts: they receive requests in turn, and a host that is down causes no errors."""

import socket
import threading
from contextlib import ExitStack

import pytest

from tests.gateway.conftest import as_client
from tests.support.ports import free_port
from tests.support.raw_upstream import listening, not_accepting
from tests.support.waiting import until

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@pytest.fixture
def new_client(build_from_ini, add_client):
    """Return a function that creates a client of a gateway in front of the given hosts."""
    key = add_client("booking", "echo:read", "echo:write")

    def new_client(*urls, **timeouts):
        service = {"services": {"echo": ", ".join(urls)}, "routes": {"/echo": "echo"}}
        return as_client(build_from_ini(service, {"upstream": {"connect_timeout": 1, **timeouts}}), key)

    return new_client


def request_counts(*hosts):
    """Return the number of requests that each host has received, without health checks."""
    return [len([request for request in host.requests if request.target.startswith("/echo")]) for host in hosts]


def test_requests_are_distributed_in_turn(new_client):
    with listening() as one, listening() as other, listening() as third:
        client = new_client(one.url, other.url, third.url)
        assert {client.get("/echo/a").status_code for _ in range(12)} == {200}
        assert request_counts(one, other, third) == [4, 4, 4]


def test_each_host_gets_its_own_name_in_host(new_client):
    with listening() as one, listening() as other:
        client = new_client(one.url, other.url)
        for _ in range(2):
            client.get("/echo/a")
        for host in (one, other):
            assert [request.values("host") for request in host.requests] == [[host.url.removeprefix("http://")]]


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_sent_to_the_next_host_if_connecting_fails(new_client, method):
    with listening() as healthy:
        client = new_client(f"http://127.0.0.1:{free_port()}", healthy.url)
        assert {client.open("/echo/a", method=method).status_code for _ in range(4)} == {200}
        assert request_counts(healthy) == [4]


def test_a_host_that_is_down_is_skipped(new_client, monkeypatch):
    connect, attempts = socket.create_connection, []

    def record(address, timeout):
        # Health checks have threads of their own.
        if threading.current_thread() is threading.main_thread():
            attempts.append(f"http://127.0.0.1:{address[1]}")
        return connect(address, timeout)

    monkeypatch.setattr(socket, "create_connection", record)
    with not_accepting(queue=0) as full, listening() as healthy:
        client = new_client(full, healthy.url)
        assert {client.get("/echo/a").status_code for _ in range(12)} == {200}
    assert attempts == [full, healthy.url]


def test_a_host_that_does_not_respond_causes_one_timeout_only(new_client):
    with listening() as silent, listening() as healthy:
        silent.respond = lambda connection: (connection.read(), connection.wait_until_closed())
        # So long that the healthy host responds in time on a busy machine, too.
        client = new_client(silent.url, healthy.url, read_timeout=10)
        statuses = [client.get("/echo/a").status_code for _ in range(6)]
        assert sorted(statuses) == [200] * 5 + [504]


def test_a_host_is_used_again_when_it_is_back(new_client):
    with listening() as healthy, ExitStack() as stack:
        port = free_port()
        client = new_client(f"http://127.0.0.1:{port}", healthy.url)
        assert {client.get("/echo/a").status_code for _ in range(4)} == {200}
        back = stack.enter_context(listening(port))
        until(lambda: client.get("/echo/a").status_code == 200 and request_counts(back) > [0])
        before = request_counts(back, healthy)
        assert {client.get("/echo/a").status_code for _ in range(10)} == {200}
        assert [after - earlier for after, earlier in zip(request_counts(back, healthy), before, strict=True)] == [5, 5]


def test_a_host_that_stops_causes_no_errors(new_client):
    with listening() as healthy, ExitStack() as stack:
        stopping = stack.enter_context(listening())
        client = new_client(stopping.url, healthy.url)
        assert {client.get("/echo/a").status_code for _ in range(4)} == {200}
        stack.close()
        assert {client.get("/echo/a").status_code for _ in range(10)} == {200}


def test_if_all_hosts_are_down_requests_fail_fast_until_one_is_back(new_client):
    ports = free_port(), free_port()
    client = new_client(*(f"http://127.0.0.1:{port}" for port in ports))
    for method in METHODS:
        response = client.open("/echo/a", method=method)
        assert response.status_code == 502
        assert method == "HEAD" or response.json["code"] == "upstream_unreachable"
    with listening(ports[1]) as back:
        assert client.get("/echo/a").status_code == 200
        assert request_counts(back) == [1]


def test_if_no_host_accepts_connections_requests_fail_soon(new_client):
    with not_accepting(queue=0) as one, not_accepting(queue=0) as other:
        client = new_client(one, other)
        assert client.get("/echo/a").status_code == 502


def test_a_host_that_stops_causes_no_errors_for_concurrent_requests(new_client):
    with listening() as healthy, ExitStack() as stack:
        stopping = stack.enter_context(listening())
        client = new_client(stopping.url, healthy.url)
        statuses = []

        headers = {"Authorization": client.environ_base["HTTP_AUTHORIZATION"]}

        def send():
            test_client = client.application.test_client()
            statuses.extend(test_client.get("/echo/a", headers=headers).status_code for _ in range(20))

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        stack.close()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200}


def test_a_service_on_a_single_host_is_used_as_soon_as_it_is_back(new_client):
    port = free_port()
    client = new_client(f"http://127.0.0.1:{port}")
    assert client.get("/echo/a").status_code == 502
    with listening(port):
        assert client.get("/echo/a").status_code == 200
    assert client.get("/echo/a").status_code == 502
    with listening(port):
        assert client.post("/echo/a").status_code == 200
