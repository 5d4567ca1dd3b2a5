"""Where a request ends: everybody behind the gateway sees the same end, and one request stays one request."""

import json
import socket

import pytest

from tests.support.waiting import until

HEAD = b"POST /echo/a HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n"
HIDDEN = b"GET /echo/hidden HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n\r\n"
# What would be read as a body by one, and as the next request by another, must not be one to anybody.
CHUNKED_HIDDEN = b"0\r\n\r\n" + HIDDEN

AMBIGUOUS = {
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\nhello",
    "a list of other lengths": b"Content-Length: 5, 6\r\n\r\nhello!",
    "a signed length": b"Content-Length: +5\r\n\r\nhello",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a length with a blank": b"Content-Length: 5 5\r\n\r\nhello",
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\nhellohello",
    "an empty length": b"Content-Length: \r\n\r\n",
    "a length of no number": b"Content-Length: five\r\n\r\nhello",
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
    "a name of no letters": b": 5\r\n\r\n",
    "a name with a blank": b"X A: 5\r\n\r\n",
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
    "a size that is none": b"z\r\nhello\r\n0\r\n\r\n",
    "a negative size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\nhello\r\n0\r\n\r\n",
    "a size past 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "too short": b"4\r\nhello\r\n0\r\n\r\n",
    "too long": b"6\r\nhello\r\n0\r\n\r\n",
    "bare line feeds": b"5\nhello\n0\n\n",
    "a bare line feed in an extension": b"5;\nxx\r\nhello\r\n0\r\n\r\n",
    "a carriage return in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a blank before the size": b" 5\r\nhello\r\n0\r\n\r\n",
}


def targets(upstream):
    return [request.target for request in upstream.requests]


def check_framed(requests):
    """Each request is the one that was asked for, with one length or none, and no other word of where it ends."""
    for request in requests:
        assert request.values("transfer-encoding") == []
        assert len(request.values("content-length")) <= 1
        assert request.values("x-client-id") == ["booking"]
        assert int((request.values("content-length") or ["0"])[0]) == len(request.body)


@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_may_be_read_in_two_ways_is_one_request_or_none(door, behind, rest):
    answers = door.raw_all(HEAD + rest)
    assert {answer.status for answer in answers} <= {200, 400, 401, 411, 413, 501}
    # What follows is no request, even where it looks like one: whoever sent it meant it as a body (RFC 9112, 6.1).
    assert targets(behind) in ([], ["/echo/a"])
    assert len(behind.requests) == len([answer for answer in answers if answer.status == 200])
    check_framed(behind.requests)


@pytest.mark.parametrize("name", ["two lengths", "a list of other lengths", "a length of no number"])
def test_two_ways_to_say_where_a_request_ends_are_refused(door, behind, name):
    # RFC 9112, 6.3: the sender is broken, or attacks.
    answers = door.raw_all(HEAD + AMBIGUOUS[name])
    assert [answer.status for answer in answers if answer.status != 400] == []
    assert targets(behind) == []


@pytest.mark.parametrize("rest", CHUNKS.values(), ids=CHUNKS)
def test_chunks_arrive_as_one_body_of_known_length(door, behind, rest):
    answers = door.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert [answer.status for answer in answers] in ([200], [400])
    assert [request.body for request in behind.requests] == [b"hello"] * (answers[0].status == 200)
    check_framed(behind.requests)
    for request in behind.requests:
        assert {name for name, _ in request.headers} == {"host", "x-request-id", "x-client-id", "content-length"}


def test_plain_chunks_are_taken(door, behind):
    [answer] = door.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS["plain"])
    assert (answer.status, behind.requests[0].values("content-length")) == (200, ["5"])


@pytest.mark.parametrize("rest", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_broken_chunks_make_one_request_at_most_of_nothing_but_what_was_sent(door, behind, rest):
    answers = door.raw_all(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)
    assert [answer.status for answer in answers] in ([200], [400], [])
    # The server in front does not tell that a chunk was broken, so that what came before may arrive.
    assert [request for request in behind.requests if not b"hello\r".startswith(request.body)] == []
    assert targets(behind) in ([], ["/echo/a"])
    check_framed(behind.requests)


def test_a_body_that_is_shorter_than_announced_does_not_arrive(door, behind):
    head = HEAD + b"X-Request-Id: broken-off\r\nContent-Length: 10\r\n\r\n"
    # Refusals of one address are logged once in a second: no other test has this address.
    with socket.create_connection(("127.0.0.1", door.served.port), source_address=("127.0.0.9", 0)) as connection:
        connection.sendall(head.replace(b"KEY", door.key.encode()) + b"hello")
    until(lambda: "broken-off" in door.served.log.read_text())
    assert [(request.target, request.body) for request in behind.requests] == []


def test_requests_one_behind_the_other_are_answered_in_their_order(door, behind):
    behind.answer = _echo
    data = b"".join(
        b"POST /echo/%d HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nContent-Length: 2\r\n\r\n%02d"
        % (n, n)
        for n in range(20)
    )
    answers = door.raw_all(data)
    assert [json.loads(answer.body) for answer in answers] == [[f"/echo/{n}", f"{n:02}"] for n in range(20)]


def _echo(talk):
    request = talk.read()
    body = json.dumps([request.target, request.body.decode()]).encode()
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)


@pytest.mark.parametrize(
    "version", [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"", b"HTTP/1.1 x"]
)
def test_another_version_is_refused_or_understood(door, behind, version):
    answers = door.raw_all(
        b"GET /echo/a " + version + b"\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    assert {answer.status for answer in answers} <= {200, 400, 505}
    assert targets(behind) in ([], ["/echo/a"])
    assert all(request.head.startswith(b"GET /echo/a HTTP/1.1\r\n") for request in behind.requests)


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"PRI", b"MADE-UP", b"G\x00T", b"GET\t", b"PURGE"])
def test_a_method_that_the_table_does_not_name_is_not_passed_on(door, behind, method):
    answers = door.raw_all(
        method + b" /echo/a HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    assert {answer.status for answer in answers} <= {400, 404, 405, 501}
    assert targets(behind) == []
