"""Request framing: the gateway and the service agree on where each request ends, so nothing can be smuggled."""

import json
import socket

import pytest

from tests.support.tables import table_driven
from tests.support.waiting import until

HEAD = b"POST /echo/a HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n"
HIDDEN = b"GET /echo/hidden HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n\r\n"
# Bytes that one parser would read as a body and another one as the next request.
CHUNKED_HIDDEN = b"0\r\n\r\n" + HIDDEN

AMBIGUOUS = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\nhello",
    "a list of other lengths": b"Content-Length: 5, 6\r\n\r\nhello!",
    "a signed length": b"Content-Length: +5\r\n\r\nhello",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a length with a space": b"Content-Length: 5 5\r\n\r\nhello",
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\nhellohello",
    "an empty length": b"Content-Length: \r\n\r\n",
    "a length that is not a number": b"Content-Length: five\r\n\r\nhello",
    "a length past 64 bits": b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "length and chunked": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED_HIDDEN,
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED_HIDDEN,
    "length with an underscore and chunked": b"Content_Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "gzip": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "xchunked": b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello",
    "chunked in quotes": b'Transfer-Encoding: "chunked"\r\nContent-Length: 5\r\n\r\nhello',
    "chunked after a vertical tab": b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\nhello",
    "chunked on a folded line": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED_HIDDEN,
    "transfer_encoding": b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
    "space before the colon": b"Content-Length : 5\r\n\r\nhello",
    "space before the colon of chunked": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"X-A: b\r\n c\r\nContent-Length: 5\r\n\r\nhello",
    "a folded first line": b" X-A: b\r\nContent-Length: 5\r\n\r\nhello",
    "bare line feeds": b"X-A: b\nContent-Length: 5\n\nhello",
    "a bare carriage return": b"X-A: b\rContent-Length: 5\r\n\r\n",
    "a line without a colon": b"Content-Length\r\n\r\n",
    "an empty name": b": 5\r\n\r\n",
    "a name with a space": b"X A: 5\r\n\r\n",
    "a NUL in a name": b"Content-Length\x00: 5\r\n\r\nhello",
    "a NUL in a value": b"Content-Length: 5\x00\r\n\r\nhello",
}

CHUNKS = {
    "plain": b"5\r\nhello\r\n0\r\n\r\n",
    "many": b"1\r\nh\r\n2\r\nel\r\n02\r\nlo\r\n000\r\n\r\n",
    "extensions": b'5;a=b;c="d\r\n0\r\n\r\n'.replace(b"\r\n0\r\n\r\n", b'"\r\nhello\r\n0;x=y\r\n\r\n'),
    "trailers": b"5\r\nhello\r\n0\r\nX-Client-Id: root\r\nContent-Length: 50\r\n\r\n",
    "trailing host": b"5\r\nhello\r\n0\r\nHost: elsewhere\r\nAuthorization: Bearer root\r\n\r\n",
}
BAD_CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "an invalid size": b"z\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "a size past 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "too short": b"4\r\nhello\r\n0\r\n\r\n",
    "too long": b"6\r\nhello\r\n0\r\n\r\n",
    "bare line feeds": b"5\nhello\n0\n\n",
    "a bare line feed in an extension": b"5;\nxx\r\nhello\r\n0\r\n\r\n",
    "a carriage return in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
}


def targets(upstream):
    return [request.target for request in upstream.requests]


def check_framed(requests):
    """Check that each request has at most one Content-Length, which matches its body, and no other framing."""
    for request in requests:
        assert request.values("transfer-encoding") == []
        assert len(request.values("content-length")) <= 1
        assert request.values("x-client-id") == ["booking"]
        assert int((request.values("content-length") or ["0"])[0]) == len(request.body)


@table_driven("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_framing_results_in_at_most_one_request(gateway, service, rest):
    service.reset()
    responses = gateway.raw_all(HEAD + rest)
    assert {response.status for response in responses} <= {200, 400, 401, 411, 413, 501}
    # The following bytes are not treated as a request, even if they look like one (RFC 9112, 6.1).
    assert targets(service) in ([], ["/echo/a"])
    assert len(service.requests) == len([response for response in responses if response.status == 200])
    check_framed(service.requests)


@pytest.mark.parametrize("name", ["two lengths", "a list of other lengths", "a length that is not a number"])
def test_contradictory_lengths_are_rejected(gateway, service, name):
    # RFC 9112, 6.3: an unrecoverable error.
    responses = gateway.raw_all(HEAD + AMBIGUOUS[name])
    assert [response.status for response in responses if response.status != 400] == []
    assert targets(service) == []


@pytest.mark.parametrize("rest", CHUNKS.values(), ids=CHUNKS)
def test_chunks_are_forwarded_as_one_body_with_a_length(gateway, service, rest):
    responses = gateway.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert [response.status for response in responses] in ([200], [400])
    assert [request.body for request in service.requests] == [b"hello"] * (responses[0].status == 200)
    check_framed(service.requests)
    for request in service.requests:
        assert {name for name, _ in request.headers} == {"host", "x-request-id", "x-client-id", "content-length"}


def test_plain_chunks_are_accepted(gateway, service):
    [response] = gateway.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS["plain"])
    assert (response.status, service.requests[0].values("content-length")) == (200, ["5"])


@table_driven("rest", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_malformed_chunks_result_in_at_most_one_request_with_the_bytes_before_the_error(gateway, service, rest):
    service.reset()
    responses = gateway.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert [response.status for response in responses] in ([200], [400], [])
    # The server does not report a malformed chunk, so the bytes before it may be forwarded.
    assert [request for request in service.requests if not b"hello\r".startswith(request.body)] == []
    assert targets(service) in ([], ["/echo/a"])
    check_framed(service.requests)


def test_a_truncated_body_is_not_forwarded(gateway, service):
    head = HEAD + b"X-Request-Id: truncated-body\r\nContent-Length: 10\r\n\r\n"
    # Refusals are logged once a second for each address, so use an address that no other test uses.
    with socket.create_connection(("127.0.0.1", gateway.served.port), source_address=("127.0.0.9", 0)) as connection:
        connection.sendall(head.replace(b"KEY", gateway.key.encode()) + b"hello")
    until(lambda: "truncated-body" in gateway.served.log.read_text())
    assert [(request.target, request.body) for request in service.requests] == []


def test_pipelined_requests_are_answered_in_order(gateway, service):
    service.respond = _echo
    data = b"".join(
        b"POST /echo/%d HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nContent-Length: 2\r\n\r\n%02d"
        % (n, n)
        for n in range(20)
    )
    responses = gateway.raw_all(data)
    assert [json.loads(response.body) for response in responses] == [[f"/echo/{n}", f"{n:02}"] for n in range(20)]


def _echo(connection):
    request = connection.read()
    body = json.dumps([request.target, request.body.decode()]).encode()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)


@pytest.mark.parametrize(
    "version", [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"", b"HTTP/1.1 x"]
)
def test_other_http_versions_are_rejected_or_forwarded_as_http_1_1(gateway, service, version):
    responses = gateway.raw_all(
        b"GET /echo/a " + version + b"\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    assert {response.status for response in responses} <= {200, 400, 505}
    assert targets(service) in ([], ["/echo/a"])
    assert all(request.head.startswith(b"GET /echo/a HTTP/1.1\r\n") for request in service.requests)


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"PRI", b"UNKNOWN", b"G\x00T", b"GET\t", b"PURGE"])
def test_a_method_without_a_permission_is_not_forwarded(gateway, service, method):
    responses = gateway.raw_all(
        method + b" /echo/a HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    assert {response.status for response in responses} <= {400, 404, 405, 501}
    assert targets(service) == []
