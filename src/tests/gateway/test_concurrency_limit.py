"""The limit on concurrent requests of a client; every slot is released, however the request ends."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.rate_limit_fields import members
from tests.support.raw_upstream import OK, respond_with
from tests.support.waiting import SECONDS, until


@pytest.fixture
def client_with_two_slots(build_from_ini, upstream, add_client):
    """A client of a gateway that allows two concurrent requests per client."""
    key = add_client("booking", *ALL_SCOPES)
    limits = {"limits": {"concurrent": 2}, "upstream": {"read_timeout": 0.3}}
    return as_client(build_from_ini({"services": {"inventory": upstream.url}}, limits), key)


def check_free(client):
    """Check that no request of the client is refused; on a busy machine, the service may respond too late."""

    def is_answered():
        status = client.get("/api/cars").status_code
        assert status in (200, 504)
        return status == 200

    for _ in range(3):
        until(is_answered)


@contextmanager
def pending_requests(client, upstream, count):
    """Keep ``count`` requests of a client pending in the service, which responds to all others immediately."""
    proceed, waiting = threading.Event(), threading.Semaphore(0)

    def respond(connection):
        if connection.read().target == "/api/events":
            waiting.release()
            assert proceed.wait(SECONDS)
        connection.send(OK)

    upstream.respond = respond
    headers = {"Authorization": client.environ_base["HTTP_AUTHORIZATION"]}

    def send(_):
        return client.application.test_client().get("/api/events", headers=headers).status_code

    with ThreadPoolExecutor(count) as callers:
        results = callers.map(send, range(count))
        for _ in range(count):
            assert waiting.acquire(timeout=SECONDS)
        try:
            yield
        finally:
            proceed.set()
        assert set(results) == {200}


@pytest.mark.parametrize(("name", "slots"), [("booking", 2), ("other", 3)])
def test_a_request_beyond_the_limit_is_rejected(build_from_ini, upstream, add_client, name, slots):
    keys = {"booking": add_client("booking", *ALL_SCOPES), "other": add_client("other", *ALL_SCOPES, concurrent=3)}
    app = build_from_ini({"services": {"inventory": upstream.url}, "limits": {"concurrent": 2}})
    client = as_client(app, keys[name])
    with pending_requests(client, upstream, slots):
        response = client.get("/api/cars")
        assert (response.status_code, response.json["code"]) == (429, "rate_limited")
        assert int(response.headers["Retry-After"]) >= 1
        assert members(response, "RateLimit") == {"concurrent": {"r": 0}}
        assert "/api/cars" not in [request.target for request in upstream.requests]
        # The slots of another client are free.
        other = as_client(app, keys["other" if name == "booking" else "booking"])
        assert other.get("/api/cars").status_code == 200
        # Health checks are not limited.
        assert client.get("/healthz").status_code == 200
    assert [client.get("/api/cars").status_code for _ in range(5)] == [200] * 5


FAULTS = {
    "close": respond_with(then="close"),
    "garbage": respond_with(b"garbage\r\n\r\n", then="close"),
    "a truncated body": respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", then="close"),
    "truncated chunks": respond_with(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="close"
    ),
    "a truncated long body": respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nhello", then="close"),
    "silence": respond_with(then="wait"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_slot_is_released_after_an_upstream_fault(client_with_two_slots, upstream, fault):
    upstream.respond = fault
    for _ in range(3):
        response = client_with_two_slots.get("/api/cars")
        assert response.status_code != 429
        # Like a server, read the body and close the response.
        with suppress(Exception), closing(response):
            response.get_data()
    upstream.respond = respond_with(OK)
    check_free(client_with_two_slots)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/api/cars", b"y" * 70_000), ("PUT", "/api/cars", b""), ("GET", "/api/cars%0a", None)],
)
def test_a_slot_is_released_after_a_rejected_request(client_with_two_slots, method, path, body):
    statuses = [client_with_two_slots.open(path, method=method, data=body).status_code for _ in range(5)]
    assert 429 not in statuses
    check_free(client_with_two_slots)


def test_a_slot_is_released_if_the_service_is_down(build_from_ini, upstream, add_client):
    key = add_client("booking", *ALL_SCOPES)
    app = build_from_ini({"services": {"inventory": "http://127.0.0.1:1"}, "limits": {"concurrent": 1}})
    assert [as_client(app, key).get("/api/cars").status_code for _ in range(4)] == [502] * 4


def respond_with_long_body(connection):
    connection.read()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
    for _ in range(30):
        connection.send(b"y" * 1_000_000)


def test_a_slot_is_released_when_the_caller_disconnects(limited_gateway, service):
    for _ in range(3):
        service.respond = respond_with_long_body
        # The slot of the previous request is released a moment after its response.
        until(lambda: limited_gateway.disconnect_early("/echo/a"))
        service.reset()
        until(lambda: limited_gateway.get("/echo/next").status == 200)


def test_a_slot_is_released_when_a_stream_is_truncated(limited_gateway, service):
    for _ in range(3):
        service.respond = respond_with(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"y" * 1_500_000, then="close"
        )
        # The slot of the previous request is released a moment after its response.
        until(lambda: not limited_gateway.get("/echo/a").whole)
        service.reset()
        until(lambda: limited_gateway.get("/echo/next").status == 200)
