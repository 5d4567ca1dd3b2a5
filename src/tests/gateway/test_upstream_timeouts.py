"""Services that are down, slow, or never finish a response: every wait is limited, and the next request works."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.support.raw_upstream import respond_with
from tests.support.waiting import until

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n"

# For each path: the first bytes, and those that are then repeated slowly.
SLOW_RESPONSES = {
    "/echo/head": (STATUS_LINE, b"X-A: b\r\n"),
    "/echo/line": (STATUS_LINE + b"ETag: ", b"y"),
    "/echo/status": (b"HTTP/1.1 200 ", b"O"),
    "/echo/early": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "/echo/small": (STATUS_LINE + b"Content-Length: 1000\r\n\r\n", b"y"),
    "/echo/large": (STATUS_LINE + b"Content-Length: 9000000\r\n\r\n" + b"y" * 70_000, b"y"),
    "/echo/chunks": (CHUNKED, b"1\r\ny\r\n"),
    "/echo/extension": (CHUNKED + b"5;", b"x"),
    "/echo/trailers": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-A: b\r\n"),
    "/echo/to-the-end": (STATUS_LINE + b"\r\n", b"y"),
}


@pytest.fixture
def gateway(impatient_gateway):
    """The gateway with short timeouts."""
    return impatient_gateway.gateway


@pytest.fixture
def service(impatient_gateway):
    """The service behind it: it has no recorded requests and responds with ``ok``."""
    impatient_gateway.service.reset()
    yield impatient_gateway.service
    impatient_gateway.service.reset()


def result_of(gateway, target):
    """Return the result of a request."""
    try:
        response = gateway.get(target)
    except ConnectionError:
        return "broken"
    return response.code or ("broken" if not response.whole else f"{response.status}, whole, {response.body[:20]!r}")


def check_next(gateway, service):
    """Check that the following requests get their own responses; on a busy machine, the service may be too late."""
    service.reset()

    def is_answered():
        response = gateway.get("/echo/next")
        assert response.body == b"ok" or response.code == "upstream_timeout", response
        return response.body == b"ok"

    for _ in range(3):
        until(is_answered)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_failed_connection_is_reported_as_not_executed(gateway, service, method):
    response = gateway.call(method, "/gone/a", body=b"" if method != "GET" else None)
    assert (response.status, response.code) == (502, "upstream_unreachable")
    assert "was not executed" in response.json["detail"]
    check_next(gateway, service)


def test_connecting_has_a_timeout(gateway, service):
    assert result_of(gateway, "/full/a") in ("upstream_unreachable", "upstream_timeout")
    check_next(gateway, service)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_waiting_for_a_response_has_a_timeout(gateway, service, method):
    response = gateway.call(method, "/busy/a", body=b"{}" if method == "PATCH" else None)
    assert (response.status, response.code) == (504, "upstream_timeout")
    assert response.json["detail"]
    check_next(gateway, service)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-", STATUS_LINE + b"Content-Length: 5\r\n\r\nhel"])
def test_a_response_that_stops_times_out_and_is_not_retried(gateway, service, sent, method):
    service.respond = respond_with(sent, then="wait")
    target = f"/echo/{uuid.uuid4()}"

    def attempts():
        return [request.method for request in service.requests if request.target == target]

    response = gateway.call(method, target, body=b"" if method == "POST" else None)
    assert (response.status, response.code) == (504, "upstream_timeout")
    # The service may read the request even later.
    until(attempts)
    assert attempts() == [method]
    check_next(gateway, service)


def test_a_long_body_that_stops_is_not_completed(gateway, service):
    service.respond = respond_with(STATUS_LINE + b"Content-Length: 3000000\r\n\r\n", b"y" * 1_500_000, then="wait")
    assert result_of(gateway, "/echo/a") in ("upstream_timeout", "broken")
    check_next(gateway, service)


def test_sending_a_request_body_has_a_timeout(gateway, service):
    service.respond = lambda connection: (connection.read_head(), connection.wait_until_closed())
    response = gateway.call("POST", "/echo/a", body=b"y" * 65_536)
    assert (response.status, response.code) == (504, "upstream_timeout")
    check_next(gateway, service)


def test_a_slow_response_has_a_total_timeout(gateway, service):
    completed = []

    def respond(connection):
        target = connection.read().target
        first, repeated = SLOW_RESPONSES[target]
        connection.send(first)
        # [upstream] answer_timeout is 2; the service would continue for 200 seconds.
        if not connection.send_slowly(repeated, times=1000):
            completed.append(target)
        connection.close()

    service.respond = respond
    with ThreadPoolExecutor(len(SLOW_RESPONSES)) as callers:
        results = dict(
            zip(SLOW_RESPONSES, callers.map(lambda target: result_of(gateway, target), SLOW_RESPONSES), strict=True)
        )
    problems = {"upstream_timeout", "upstream_unreachable", "broken"}
    assert {target: result for target, result in results.items() if result not in problems} == {}
    assert completed == []
    check_next(gateway, service)


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (STATUS_LINE, b"X-Many: 1\r\n" * 6000),
        (STATUS_LINE + b"ETag: ", b"y" * 65_536),
        (b"HTTP/1.1 200 ", b"y" * 65_536),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000),
        (CHUNKED + b"5;", b"x" * 65_536),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-Many: 1\r\n" * 6000),
    ],
)
def test_data_outside_the_body_is_limited(gateway, service, first, repeated):
    sent = []

    def respond(connection):
        connection.read()
        connection.send(first)
        with suppress(OSError):
            for _ in range(256):
                connection.send(repeated)
                sent.append(len(repeated))
        connection.close()

    service.respond = respond
    assert result_of(gateway, "/echo/a") in ("upstream_timeout", "upstream_unreachable", "broken")
    # The service would send 16 MiB.
    assert sum(sent) < 12 * 2**20
    check_next(gateway, service)
