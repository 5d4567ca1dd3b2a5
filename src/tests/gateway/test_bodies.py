"""Request and response bodies: complete, limited in size, and not kept in memory if they are long."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from invsys.gateway.auth import client_admin
from tests.support.gateway_server import served_gateway
from tests.support.raw_client import request, send
from tests.support.raw_upstream import OK, respond_with
from tests.support.slow_bodies import slow_bodies
from tests.support.tables import table_driven
from tests.support.waiting import until

MEBIBYTE = 2**20
MAX_BODY = 65_536
MAX_ANSWER = 40 * MEBIBYTE
PIECE = bytes(range(256)) * 1024


def chunked(size, pieces):
    return b"".join(b"%x\r\n%s\r\n" % (size, b"y" * size) for _ in range(pieces)) + b"0\r\n\r\n"


def respond_with_size(size, framing):
    """Return a function that responds with a body of this size.

    ``framing`` is ``length`` (Content-Length), ``chunks`` (chunked) or ``to-the-end`` (the connection ends the body).
    """

    def respond(connection):
        connection.read()
        headers = {"length": b"Content-Length: %d\r\n" % size, "chunks": b"Transfer-Encoding: chunked\r\n"}
        connection.send(b"HTTP/1.1 200 OK\r\n" + headers.get(framing, b"") + b"\r\n")
        with suppress(OSError):
            for _ in range(size // len(PIECE)):
                connection.send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if framing == "chunks" else PIECE)
            connection.send(b"0\r\n\r\n" if framing == "chunks" else b"")
        if framing == "to-the-end":
            connection.close()

    return respond


def peak_memory(process):
    """Return the peak memory of a process since ``reset_peak``, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024


def reset_peak(process):
    Path(f"/proc/{process}/clear_refs").write_text("5")


@table_driven("method", ["POST", "PUT", "PATCH"])
@table_driven("size", [0, 1, 1000, MAX_BODY])
def test_a_request_body_is_forwarded_unchanged(gateway, service, method, size):
    service.reset()
    body = (PIECE * 1)[:size]
    assert gateway.call(method, "/echo/a", "Content-Type: application/x-any", body=body).status == 200
    [request] = service.requests
    assert (request.method, request.body, request.values("content-length")) == (method, body, [str(size)])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_body_of_a_method_without_one_is_forwarded_completely_or_not_at_all(gateway, service, method):
    assert gateway.call(method, "/echo/a", body=b"hello").status == 200
    assert gateway.get("/echo/b").status == 200
    assert [request.target for request in service.requests] == ["/echo/a", "/echo/b"]
    assert service.requests[0].body in (b"", b"hello")


@pytest.mark.parametrize(("size", "pieces"), [(1, 1), (1000, 60), (MAX_BODY, 1)])
def test_a_chunked_request_body_is_forwarded_completely(gateway, service, size, pieces):
    response = gateway.raw(
        b"POST /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(size, pieces)
    )
    assert response.status == 200
    assert [request.body for request in service.requests] == [b"y" * size * pieces]


@table_driven("method", ["POST", "PATCH", "PUT"])
@table_driven(
    "rest",
    [
        b"Content-Length: 65537\r\n\r\n" + b"y" * 65_537,
        b"Content-Length: 400000\r\n\r\n" + b"y" * 400_000,
        # Rejected before the body arrives.
        b"Content-Length: 99999999999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(65_537, 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(1000, 66),
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(65_536, 6),
    ],
    ids=["one byte too long", "much too long", "announced", "one chunk", "small chunks", "large chunks"],
)
def test_too_large_a_request_body_is_not_forwarded(gateway, service, method, rest):
    service.reset()
    head = f"{method} /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n".encode()
    response = gateway.raw(head + rest)
    assert (response.status, response.code) == (413, "body_too_large")
    assert gateway.get("/echo/next").status == 200
    assert [request.target for request in service.requests] == ["/echo/next"]


def test_an_endless_request_body_is_rejected_at_the_limit(gateway, service):
    head = b"POST /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = chunked(1000, 70).removesuffix(b"0\r\n\r\n")
    response = gateway.raw(head + endless)
    assert (response.status, response.code) == (413, "body_too_large")
    assert service.requests == []


def test_a_body_without_a_key_gets_401(gateway, service):
    head = b"POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
    assert send(gateway.served.port, head).status == 401
    assert service.requests == []


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
@pytest.mark.parametrize("size", [len(PIECE), 4 * MEBIBYTE])
def test_a_response_body_is_forwarded_unchanged(gateway, service, framing, size):
    service.respond = respond_with_size(size, framing)
    response = gateway.get("/echo/a")
    assert (response.status, response.whole, len(response.body)) == (200, True, size)
    assert response.body == PIECE * (size // len(PIECE))


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
def test_memory_does_not_grow_with_the_response(gateway, service, framing):
    service.respond = respond_with_size(4 * MEBIBYTE, framing)
    gateway.get("/echo/warm")
    reset_peak(gateway.served.worker)
    before = peak_memory(gateway.served.worker)
    service.respond = respond_with_size(32 * MEBIBYTE, framing)
    response = gateway.get("/echo/a")
    assert (response.whole, len(response.body)) == (True, 32 * MEBIBYTE)
    assert peak_memory(gateway.served.worker) - before < 12 * MEBIBYTE


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
def test_too_long_a_response_is_truncated_noticeably(gateway, service, framing):
    service.respond = respond_with_size(MAX_ANSWER + 8 * MEBIBYTE, framing)
    response = gateway.get("/echo/a")
    assert not response.whole or response.code == "upstream_unreachable"
    assert len(response.body) <= MAX_ANSWER
    service.reset()
    assert gateway.get("/echo/next").body == b"ok"


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_the_next_request_works_after_a_caller_has_disconnected(gateway, service, framing):
    service.respond = respond_with_size(32 * MEBIBYTE, framing)
    assert gateway.disconnect_early("/echo/a")
    service.reset()
    assert [gateway.get("/echo/next").body for _ in range(20)] == [b"ok"] * 20


@pytest.mark.parametrize(
    ("head", "status", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: a\r\n\r\n", 200, "1234"),
        (b"HTTP/1.1 200 OK\r\nETag: a\r\nTransfer-Encoding: chunked\r\n\r\n", 200, None),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nETag: a\r\n\r\n", 404, "10"),
    ],
)
def test_a_response_to_head_has_the_headers_of_get_and_no_body(gateway, service, head, status, length):
    service.respond = respond_with(head)
    request_bytes = b"HEAD /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n"
    for _ in range(2):
        response = gateway.raw(request_bytes)
        assert (response.status, response.value("etag")) == (status, "a")
        assert response.value("content-length") in (length, None)
        assert length is None or response.value("content-length") == length


def test_responses_to_head_and_get_on_one_connection_keep_their_order(gateway, service):
    service.respond = lambda connection: connection.send(
        OK if connection.read().method == "GET" else OK.removesuffix(b"ok")
    )
    lines = b" /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n"
    head, get = b"HEAD" + lines, b"GET" + lines + b"Connection: close\r\n"
    received = gateway.raw_bytes(head + b"\r\n" + get + b"\r\n")
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.count(b"\r\n\r\nok") == 1
    assert received.endswith(b"ok")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_a_status_without_a_body_has_none(gateway, service, status, method):
    service.respond = respond_with(b"HTTP/1.1 " + status + b'\r\nETag: "a"\r\n\r\n')
    received = gateway.raw_bytes(
        method + b" /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert body == b""
    assert b"transfer-encoding" not in head.lower()
    assert b"\r\ncontent-type:" not in head.lower()
    assert b'etag: "a"' in head.lower()


THREADS = 4


def test_at_most_half_the_threads_wait_for_slow_bodies(upstream, tmp_path):
    key = client_admin.add(tmp_path / "clients.ini", "slow", ["resources:read", "resources:write"], concurrent=100)
    settings = {
        "services": {"inventory": upstream.url},
        "server": {"threads": THREADS, "body_timeout": 3600},
    }
    with (
        served_gateway(tmp_path, settings) as gateway,
        slow_bodies(gateway.port, 80, f"Authorization: Bearer {key}") as slow,
    ):
        until(lambda: sum(body.has_ended() for body in slow) == 80 - THREADS // 2)
        assert {body.status() for body in slow if body.has_ended()} <= {503, None}
        assert send(gateway.port, request("GET", "/api/cars", key)).status == 200
        assert send(gateway.port, request("POST", "/api/cars", key, body=b"{}")).status == 200
