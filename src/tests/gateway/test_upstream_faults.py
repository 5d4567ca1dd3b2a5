"""Faults of a service: the caller gets a problem, or can detect the truncated response; the next request works."""

import pytest

from tests.support.raw_upstream import OK, respond_with
from tests.support.tables import table_driven
from tests.support.waiting import until

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"
LONG = 3 * 2**20

# Invalid responses: the bytes, and the action of the service after sending them.
INVALID_RESPONSES = {
    "no bytes": ((), "close"),
    "no bytes, reset": ((), "reset"),
    "a truncated status line": ((b"HTTP/1.1 20",), "close"),
    "truncated headers": ((STATUS_LINE + b"Content-Le",), "close"),
    "headers without an empty line": ((STATUS_LINE + b"Content-Length: 2\r\n",), "close"),
    "truncated headers, reset": ((STATUS_LINE + b"Content-Le",), "reset"),
    "garbage": ((b"\x16\x03\x01\x02\x00" * 100,), "close"),
    "garbage on an open connection": ((b"\x16\x03\x01\x02\x00" * 100,), "wait"),
    "a line of text": ((b"220 mail.example ESMTP\r\n",), "wait"),
    "HTTP/0.9": ((b"<html>hello</html>\r\n\r\n",), "close"),
    "HTTP/2": ((b"HTTP/2 200\r\nContent-Length: 2\r\n\r\nok",), "close"),
    "an SPDY preface": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), "wait"),
    "a request": ((b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",), "wait"),
    "no status": ((b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "status 99": ((b"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "status 0": ((b"HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "status 600": ((b"HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "status 1000": ((b"HTTP/1.1 1000 High\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "status -1": ((b"HTTP/1.1 -1 Low\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "only 100": ((b"HTTP/1.1 100 Continue\r\n\r\n",), "close"),
    "only 103": ((b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,), "close"),
    "101": ((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), "wait"),
    "two lengths": ((STATUS_LINE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",), "wait"),
    "a list of lengths": ((STATUS_LINE + b"Content-Length: 2, 3\r\n\r\nok!",), "wait"),
    "length and chunked": (
        (STATUS_LINE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",),
        "wait",
    ),
    "chunked and length": (
        (STATUS_LINE + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",),
        "wait",
    ),
    "a length that is not a number": ((STATUS_LINE + b"Content-Length: two\r\n\r\nok",), "wait"),
    "a negative length": ((STATUS_LINE + b"Content-Length: -2\r\n\r\nok",), "wait"),
    "a signed length": ((STATUS_LINE + b"Content-Length: +2\r\n\r\nok",), "wait"),
    "a length past 64 bits": ((STATUS_LINE + b"Content-Length: 18446744073709551618\r\n\r\nok",), "wait"),
    "a header with NUL": ((STATUS_LINE + b"ETag: a\x00b\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "a name with NUL": ((STATUS_LINE + b"ET\x00ag: a\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "a line without a colon": ((STATUS_LINE + b"ETag\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "space before the colon": ((STATUS_LINE + b"Content-Length : 2\r\n\r\nok",), "wait"),
    "bare carriage return": ((STATUS_LINE + b"ETag: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",), "wait"),
    "a truncated short body": ((STATUS_LINE + b"Content-Length: 10\r\n\r\nhello",), "close"),
    "a truncated short body, reset": ((STATUS_LINE + b"Content-Length: 10\r\n\r\nhello",), "reset"),
}
# Responses with valid headers and an invalid body.
BROKEN_BODIES = {
    "a truncated long body": ((STATUS_LINE + b"Content-Length: %d\r\n\r\n" % LONG, b"y" * (LONG // 2)), "close"),
    "a truncated long body, reset": ((STATUS_LINE + b"Content-Length: %d\r\n\r\n" % LONG, b"y" * (LONG // 2)), "reset"),
    "chunks without an end": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",), "close"),
    "chunks without an end, reset": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",), "reset"),
    "a truncated chunk": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhello",), "close"),
    "no final line": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",), "close"),
    "an invalid size": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n\r\n",), "wait"),
    "a negative size": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",), "wait"),
    "a size past 64 bits": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello",), "wait"),
    "no end of a chunk": ((STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",), "wait"),
}


def check_unreachable(response):
    assert response.whole
    assert (response.status, response.code) == (502, "upstream_unreachable"), response
    assert response.json["detail"]


def check_next(gateway, service, body=b"next"):
    """Check that the following requests get their own responses."""
    service.respond = respond_with(STATUS_LINE + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    for _ in range(3):
        response = gateway.get("/echo/next")
        assert (response.status, response.body) == (200, body)


@table_driven("method", ["GET", "POST", "HEAD"])
@table_driven(("pieces", "then"), INVALID_RESPONSES.values(), ids=INVALID_RESPONSES)
def test_an_invalid_response_becomes_a_problem(gateway, service, pieces, then, method):
    service.respond = respond_with(*pieces, then=then)
    response = gateway.call(method, "/echo/a", body=b"" if method == "POST" else None)
    if method == "HEAD":
        # A response to HEAD is complete after its headers.
        assert response.status == 502 or b"\r\n\r\n" in b"".join(pieces)
        assert response.status in (200, 502)
    else:
        check_unreachable(response)
    check_next(gateway, service)


@pytest.mark.parametrize(("pieces", "then"), BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_a_truncated_response_is_not_completed(gateway, service, pieces, then):
    service.respond = respond_with(*pieces, then=then)
    try:
        response = gateway.get("/echo/a")
    except ConnectionError:
        pass  # truncated before the headers were forwarded
    else:
        if response.status == 200:
            assert not response.whole
        else:
            assert (response.status, response.code) == (502, "upstream_unreachable")
    check_next(gateway, service)


@pytest.mark.parametrize("lines", [b"X-Many: 1\r\n" * 10_000, b"ETag: " + b"y" * 2**20 + b"\r\n"])
def test_very_long_headers_are_rejected_or_read_completely(gateway, service, lines):
    service.respond = respond_with(STATUS_LINE + lines + b"Content-Length: 2\r\n\r\nok")
    response = gateway.get("/echo/a")
    assert (response.status, response.body) == (200, b"ok") or response.code == "upstream_unreachable"
    check_next(gateway, service)


# Response desynchronisation: excess data must not become the response to another request.
@table_driven("method", ["GET", "HEAD", "POST", "DELETE"])
@table_driven(
    "sent",
    [
        OK + b"extra",
        OK + b"\r\n\r\n",
        OK + OK.replace(b"ok", b"no"),
        OK + STATUS_LINE + b"Content-Length: 2\r\nSet-Cookie: of=another\r\n\r\nno",
        STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + OK.replace(b"ok", b"no"),
        STATUS_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n" + OK.replace(b"ok", b"no"),
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nno",
    ],
)
def test_excess_data_is_not_the_response_to_another_request(gateway, service, sent, method):
    service.respond = respond_with(sent)
    response = gateway.call(method, "/echo/a")
    assert response.status in (200, 204, 304, 502)
    assert response.status == 502 or response.body in (b"", b"ok")
    check_next(gateway, service)


def test_a_response_without_a_request_is_discarded(gateway, service):
    sent_early = []

    def respond(connection):
        connection.read()
        connection.send(OK)
        if not sent_early:
            # Over the connection that is idle now.
            connection.send(OK.replace(b"ok", b"no"))
            sent_early.append(connection.number)

    service.respond = respond
    assert gateway.get("/echo/a").body == b"ok"
    until(lambda: sent_early)
    assert [gateway.get("/echo/a").body for _ in range(20)] == [b"ok"] * 20


@pytest.mark.parametrize("then", ["continue", "close", "reset"])
def test_a_response_before_the_body_was_read_is_forwarded_or_becomes_a_problem(gateway, service, then):
    def respond(connection):
        request = connection.read_head()
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        {
            "continue": lambda: connection.read_body(request),
            "close": connection.close,
            "reset": connection.reset,
            "wait": connection.read_until_closed,
        }[then]()

    service.respond = respond
    result = gateway.call("POST", "/echo/a", body=b"y" * 60_000)
    assert (result.status, result.body) == (413, b"no") or result.code == "upstream_unreachable"
    assert len(service.with_method("POST")) == 1
    check_next(gateway, service)


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_response_can_end_with_its_connection(gateway, service, version):
    service.respond = respond_with(version + b" 200 OK\r\n\r\n", b"all of it", then="close")
    response = gateway.get("/echo/a")
    assert (response.status, response.body, response.whole) == (200, b"all of it", True)
    check_next(gateway, service)


@pytest.mark.parametrize("line", [b"Connection: close", b"Connection: Close", b"Connection: x, close"])
def test_connection_close_after_each_response_causes_no_errors(gateway, service, line):
    service.respond = respond_with(STATUS_LINE + line + b"\r\nContent-Length: 2\r\n\r\nok", then="close")
    responses = [gateway.call(method, "/echo/a", body=b"") for method in ("GET", "POST", "PATCH", "DELETE") * 3]
    assert [response.status for response in responses] == [200] * 12
    assert len(service.requests) == 12


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("status", [b"200 OK\r\nContent-Length: 0", b"204 No Content", b"304 Not Modified"])
def test_a_connection_is_not_reused_after_connection_close(gateway, service, status, method):
    service.respond = respond_with(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n", then="wait")
    for _ in range(3):
        assert gateway.call(method, "/echo/a").status == int(status[:3])
    check_next(gateway, service)


def test_the_problem_reveals_no_internals(gateway, service):
    service.respond = respond_with(then="close")
    text = gateway.get("/echo/a").body.decode()
    port = service.url.rpartition(":")[2]
    assert not [word for word in ("127.0.0.1", port, "Traceback", "Errno", ".py", "socket") if word in text]
