"""A service that is away, takes too long or never ends: each wait has its end, and the next request works."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.support.raw_upstream import says

OPENING = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OPENING + b"Transfer-Encoding: chunked\r\n\r\n"

# What each says slowly: the first bytes, and then the same again and again.
DRIBBLES = {
    "/echo/head": (OPENING, b"X-A: b\r\n"),
    "/echo/line": (OPENING + b"ETag: ", b"y"),
    "/echo/status": (b"HTTP/1.1 200 ", b"O"),
    "/echo/early": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "/echo/small": (OPENING + b"Content-Length: 1000\r\n\r\n", b"y"),
    "/echo/large": (OPENING + b"Content-Length: 9000000\r\n\r\n" + b"y" * 70_000, b"y"),
    "/echo/chunks": (CHUNKED, b"1\r\ny\r\n"),
    "/echo/extension": (CHUNKED + b"5;", b"x"),
    "/echo/trailers": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-A: b\r\n"),
    "/echo/to-the-end": (OPENING + b"\r\n", b"y"),
}


def ended(door, target):
    """Give how it ended, and after how many seconds."""
    started = time.monotonic()
    try:
        answer = door.get(target)
    except ConnectionError:
        how = "broken"
    else:
        how = answer.code or ("broken" if not answer.whole else f"{answer.status}, whole, {answer.body[:20]!r}")
    return how, time.monotonic() - started


def check_next(door, behind):
    behind.again()
    assert [door.get("/echo/next").body for _ in range(3)] == [b"ok"] * 3


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_where_nothing_listens_nothing_was_done(door, behind, method):
    answer = door.call(method, "/gone/a", body=b"" if method != "GET" else None)
    assert (answer.status, answer.code) == (502, "upstream_unreachable")
    assert "was not executed" in answer.json["detail"]
    check_next(door, behind)


def test_a_service_that_takes_no_connection_counts_as_away(door, behind):
    how, seconds = ended(door, "/full/a")
    assert how in ("upstream_unreachable", "upstream_timeout")
    assert seconds < 2
    check_next(door, behind)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_service_that_says_nothing_has_its_time(door, behind, method):
    answer = door.call(method, "/busy/a", body=b"{}" if method == "PATCH" else None)
    assert (answer.status, answer.code) == (504, "upstream_timeout")
    assert answer.json["detail"]
    check_next(door, behind)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-", OPENING + b"Content-Length: 5\r\n\r\nhel"])
def test_a_service_that_stops_midway_has_its_time_and_is_not_asked_again(door, behind, said, method):
    behind.answer = says(said, then="waits")
    answer = door.call(method, "/echo/a", body=b"" if method == "POST" else None)
    assert (answer.status, answer.code) == (504, "upstream_timeout")
    assert len(behind.of(method)) == 1
    check_next(door, behind)


def test_a_service_that_does_not_read_a_body_has_its_time(door, behind):
    behind.answer = lambda talk: (talk.read_head(), talk.wait_to_be_left())
    answer = door.call("POST", "/echo/a", body=b"y" * 65_536)
    assert (answer.status, answer.code) == (504, "upstream_timeout")
    check_next(door, behind)


def test_slow_answers_end_when_their_time_is_over(door, behind):
    def answer(talk):
        first, again = DRIBBLES[talk.read().target]
        talk.send(first)
        talk.dribble(again, times=25)
        talk.close()

    behind.answer = answer
    with ThreadPoolExecutor(len(DRIBBLES)) as callers:
        found = dict(zip(DRIBBLES, callers.map(lambda target: ended(door, target), DRIBBLES), strict=True))
    problems = {"upstream_timeout", "upstream_unreachable", "broken"}
    assert {target: how for target, (how, _) in found.items() if how not in problems} == {}
    # [upstream] answer_timeout is 2, the service would go on for 5.
    assert {target: seconds for target, (_, seconds) in found.items() if seconds > 3.5} == {}
    check_next(door, behind)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (OPENING, b"X-Many: 1\r\n" * 6000),
        (OPENING + b"ETag: ", b"y" * 65_536),
        (b"HTTP/1.1 200 ", b"y" * 65_536),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2000),
        (CHUNKED + b"5;", b"x" * 65_536),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-Many: 1\r\n" * 6000),
    ],
)
def test_what_is_not_the_body_is_bounded_too(door, behind, first, again):
    sent = []

    def answer(talk):
        talk.read()
        talk.send(first)
        with suppress(OSError):
            for _ in range(256):
                talk.send(again)
                sent.append(len(again))
        talk.close()

    behind.answer = answer
    how, _ = ended(door, "/echo/a")
    assert how in ("upstream_timeout", "upstream_unreachable", "broken")
    # The service would go on for 16 MiB.
    assert sum(sent) < 12 * 2**20
    check_next(door, behind)
