"""A service that misbehaves: the caller gets a problem or sees a broken transfer, and the next request works."""

import pytest

from tests.support.raw_upstream import OK, says
from tests.support.waiting import until

OPENING = b"HTTP/1.1 200 OK\r\n"
LARGE = 3 * 2**20

# What cannot be an answer, as the service says it and what it does then.
NO_ANSWERS = {
    "nothing": ((), "closes"),
    "nothing, rudely": ((), "resets"),
    "half a status line": ((b"HTTP/1.1 20",), "closes"),
    "half a head": ((OPENING + b"Content-Le",), "closes"),
    "a head without its end": ((OPENING + b"Content-Length: 2\r\n",), "closes"),
    "half a head, rudely": ((OPENING + b"Content-Le",), "resets"),
    "garbage": ((b"\x16\x03\x01\x02\x00" * 100,), "closes"),
    "garbage that stays": ((b"\x16\x03\x01\x02\x00" * 100,), "waits"),
    "a line of text": ((b"220 mail.example ESMTP\r\n",), "waits"),
    "HTTP/0.9": ((b"<html>hello</html>\r\n\r\n",), "closes"),
    "HTTP/2": ((b"HTTP/2 200\r\nContent-Length: 2\r\n\r\nok",), "closes"),
    "an SPDY preface": ((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), "waits"),
    "a request": ((b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",), "waits"),
    "no status": ((b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "status 99": ((b"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "status 0": ((b"HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "status 600": ((b"HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "status 1000": ((b"HTTP/1.1 1000 High\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "status -1": ((b"HTTP/1.1 -1 Low\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "only 100": ((b"HTTP/1.1 100 Continue\r\n\r\n",), "closes"),
    "only 103": ((b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,), "closes"),
    "101": ((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",), "waits"),
    "two lengths": ((OPENING + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",), "waits"),
    "a list of lengths": ((OPENING + b"Content-Length: 2, 3\r\n\r\nok!",), "waits"),
    "length and chunked": ((OPENING + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",), "waits"),
    "chunked and length": ((OPENING + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",), "waits"),
    "a length of no number": ((OPENING + b"Content-Length: two\r\n\r\nok",), "waits"),
    "a negative length": ((OPENING + b"Content-Length: -2\r\n\r\nok",), "waits"),
    "a signed length": ((OPENING + b"Content-Length: +2\r\n\r\nok",), "waits"),
    "a length past 64 bits": ((OPENING + b"Content-Length: 18446744073709551618\r\n\r\nok",), "waits"),
    "a header with NUL": ((OPENING + b"ETag: a\x00b\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "a name with NUL": ((OPENING + b"ET\x00ag: a\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "a line without a colon": ((OPENING + b"ETag\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "blank before the colon": ((OPENING + b"Content-Length : 2\r\n\r\nok",), "waits"),
    "bare carriage return": ((OPENING + b"ETag: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",), "waits"),
    "half a small body": ((OPENING + b"Content-Length: 10\r\n\r\nhello",), "closes"),
    "half a small body, rudely": ((OPENING + b"Content-Length: 10\r\n\r\nhello",), "resets"),
}
# Where the answer begins well, and the caller has the head already or never gets it.
BROKEN_BODIES = {
    "half a large body": ((OPENING + b"Content-Length: %d\r\n\r\n" % LARGE, b"y" * (LARGE // 2)), "closes"),
    "half a large body, rudely": ((OPENING + b"Content-Length: %d\r\n\r\n" % LARGE, b"y" * (LARGE // 2)), "resets"),
    "half a large body, then silence": (
        (OPENING + b"Content-Length: %d\r\n\r\n" % LARGE, b"y" * (LARGE // 2)),
        "waits",
    ),
    "chunks without an end": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",), "closes"),
    "chunks without an end, rudely": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",), "resets"),
    "half a chunk": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhello",), "closes"),
    "no last line": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",), "closes"),
    "a bad size": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n\r\n",), "waits"),
    "a negative size": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",), "waits"),
    "a size past 64 bits": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello",), "waits"),
    "no end of a chunk": ((OPENING + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",), "waits"),
}


def check_refused(answer):
    assert answer.whole
    assert (answer.status, answer.code) == (502, "upstream_unreachable"), answer
    assert answer.json["detail"]


def check_next(door, behind, body=b"next"):
    """The next requests get their own answers, on whichever connection."""
    behind.answer = says(OPENING + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    for _ in range(3):
        answer = door.get("/echo/next")
        assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize(("pieces", "then"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_told_as_a_problem(door, behind, pieces, then, method):
    behind.answer = says(*pieces, then=then)
    answer = door.call(method, "/echo/a", body=b"" if method == "POST" else None)
    if method == "HEAD":
        # An answer to HEAD is whole with its head.
        assert answer.status == 502 or b"\r\n\r\n" in b"".join(pieces)
        assert answer.status in (200, 502)
    else:
        check_refused(answer)
    check_next(door, behind)


@pytest.mark.parametrize(("pieces", "then"), BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_an_answer_that_breaks_off_is_not_ended_as_if_it_were_whole(door, behind, pieces, then):
    behind.answer = says(*pieces, then=then)
    try:
        answer = door.get("/echo/a")
    except ConnectionError:
        pass  # broken off before its head was out
    else:
        if answer.status == 200:
            assert not answer.whole
        else:
            assert (answer.status, answer.code) in ((502, "upstream_unreachable"), (504, "upstream_timeout"))
    check_next(door, behind)


@pytest.mark.parametrize("lines", [b"X-Many: 1\r\n" * 10_000, b"ETag: " + b"y" * 2**20 + b"\r\n"])
def test_a_very_long_head_is_refused_or_read_to_its_end(door, behind, lines):
    behind.answer = says(OPENING + lines + b"Content-Length: 2\r\n\r\nok")
    answer = door.get("/echo/a")
    assert (answer.status, answer.body) == (200, b"ok") or answer.code == "upstream_unreachable"
    check_next(door, behind)


# Response desync: what was said too much must not answer whoever asks next.
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "said",
    [
        OK + b"extra",
        OK + b"\r\n\r\n",
        OK + OK.replace(b"ok", b"no"),
        OK + OPENING + b"Content-Length: 2\r\nSet-Cookie: of=another\r\n\r\nno",
        OPENING + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + OK.replace(b"ok", b"no"),
        OPENING + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n" + OK.replace(b"ok", b"no"),
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nno",
    ],
)
def test_what_is_said_too_much_answers_nobody_else(door, behind, said, method):
    behind.answer = says(said)
    answer = door.call(method, "/echo/a")
    assert answer.status in (200, 204, 304, 502)
    assert answer.status == 502 or answer.body in (b"", b"ok")
    check_next(door, behind)


def test_an_answer_that_comes_before_it_was_asked_for_is_nobodys(door, behind):
    said = []

    def answer(talk):
        talk.read()
        talk.send(OK)
        if not said:
            # Over the connection that is kept now, and that nobody asks anything over.
            talk.send(OK.replace(b"ok", b"no"))
            said.append(talk.number)

    behind.answer = answer
    assert door.get("/echo/a").body == b"ok"
    until(lambda: said)
    assert [door.get("/echo/a").body for _ in range(20)] == [b"ok"] * 20


@pytest.mark.parametrize("then", ["goes on", "closes", "resets"])
def test_an_answer_before_the_body_was_read_is_the_answer_or_a_problem(door, behind, then):
    def answer(talk):
        request = talk.read_head()
        talk.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        {
            "goes on": lambda: talk.read_body(request),
            "closes": talk.close,
            "resets": talk.reset,
            "waits": talk.wait_for_the_end,
        }[then]()

    behind.answer = answer
    answered = door.call("POST", "/echo/a", body=b"y" * 60_000)
    assert (answered.status, answered.body) == (413, b"no") or answered.code == "upstream_unreachable"
    assert len(behind.of("POST")) == 1
    check_next(door, behind)


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_an_answer_may_end_with_its_connection(door, behind, version):
    behind.answer = says(version + b" 200 OK\r\n\r\n", b"all of it", then="closes")
    answer = door.get("/echo/a")
    assert (answer.status, answer.body, answer.whole) == (200, b"all of it", True)
    check_next(door, behind)


@pytest.mark.parametrize("line", [b"Connection: close", b"Connection: Close", b"Connection: x, close"])
def test_a_connection_that_closes_after_each_answer_costs_nobody_an_answer(door, behind, line):
    behind.answer = says(OPENING + line + b"\r\nContent-Length: 2\r\n\r\nok", then="closes")
    answers = [door.call(method, "/echo/a", body=b"") for method in ("GET", "POST", "PATCH", "DELETE") * 3]
    assert [answer.status for answer in answers] == [200] * 12
    assert len(behind.requests) == 12


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("status", [b"200 OK\r\nContent-Length: 0", b"204 No Content", b"304 Not Modified"])
def test_a_connection_of_which_the_service_says_close_is_not_used_again(door, behind, status, method):
    behind.answer = says(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n", then="waits")
    for _ in range(3):
        assert door.call(method, "/echo/a").status == int(status[:3])
    check_next(door, behind)


def test_nothing_is_told_of_the_inside(door, behind):
    behind.answer = says(then="closes")
    said = door.get("/echo/a").body.decode()
    port = behind.url.rpartition(":")[2]
    assert not [word for word in ("127.0.0.1", port, "Traceback", "Errno", ".py", "socket") if word in said]
