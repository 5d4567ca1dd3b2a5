"""Bodies in both directions: whole, bounded, and not kept in memory where they are large."""

import re
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.raw_caller import ask
from tests.support.raw_upstream import OK, says

MEBIBYTE = 2**20
MAX_BODY = 65_536
MAX_ANSWER = 40 * MEBIBYTE
PIECE = bytes(range(256)) * 1024


def chunked(size, pieces):
    return b"".join(b"%x\r\n%s\r\n" % (size, b"y" * size) for _ in range(pieces)) + b"0\r\n\r\n"


def answering_much(size, framing):
    """Answer with so many bytes: of a ``length``, in ``chunks``, or ``to-the-end`` of the connection."""

    def answer(talk):
        talk.read()
        said = {"length": b"Content-Length: %d\r\n" % size, "chunks": b"Transfer-Encoding: chunked\r\n"}
        talk.send(b"HTTP/1.1 200 OK\r\n" + said.get(framing, b"") + b"\r\n")
        with suppress(OSError):
            for _ in range(size // len(PIECE)):
                talk.send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if framing == "chunks" else PIECE)
            talk.send(b"0\r\n\r\n" if framing == "chunks" else b"")
        if framing == "to-the-end":
            talk.close()

    return answer


def peak(process):
    """Give the most memory that a process has had since ``forget``, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024


def forget(process):
    Path(f"/proc/{process}/clear_refs").write_text("5")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("size", [0, 1, 1000, MAX_BODY])
def test_a_body_arrives_byte_for_byte(door, behind, method, size):
    body = (PIECE * 1)[:size]
    assert door.call(method, "/echo/a", "Content-Type: application/x-any", body=body).status == 200
    [request] = behind.requests
    assert (request.method, request.body, request.values("content-length")) == (method, body, [str(size)])


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_body_where_none_belongs_arrives_whole_or_not_at_all(door, behind, method):
    assert door.call(method, "/echo/a", body=b"hello").status == 200
    assert door.get("/echo/b").status == 200
    assert [request.target for request in behind.requests] == ["/echo/a", "/echo/b"]
    assert behind.requests[0].body in (b"", b"hello")


@pytest.mark.parametrize(("size", "pieces"), [(1, 1), (1000, 60), (MAX_BODY, 1)])
def test_a_chunked_body_arrives_whole(door, behind, size, pieces):
    data = door.raw(
        b"POST /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(size, pieces)
    )
    assert data.status == 200
    assert [request.body for request in behind.requests] == [b"y" * size * pieces]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 65537\r\n\r\n" + b"y" * 65_537,
        b"Content-Length: 400000\r\n\r\n" + b"y" * 400_000,
        # It is known before a byte of it is there.
        b"Content-Length: 99999999999\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(65_537, 1),
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(1000, 66),
        b"Transfer-Encoding: chunked\r\n\r\n" + chunked(65_536, 6),
    ],
    ids=["one too many", "many", "announced", "one chunk", "small chunks", "large chunks"],
)
def test_too_large_a_body_reaches_nothing(door, behind, method, rest):
    head = f"{method} /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n".encode()
    answer = door.raw(head + rest)
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert door.get("/echo/next").status == 200
    assert [request.target for request in behind.requests] == ["/echo/next"]


def test_a_body_without_end_is_refused_before_its_end(door, behind):
    head = b"POST /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = chunked(1000, 70).removesuffix(b"0\r\n\r\n")
    answer = door.raw(head + endless)
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert behind.requests == []


def test_nobody_without_a_key_sends_bodies(door, behind):
    head = b"POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
    assert ask(door.served.port, head).status == 401
    assert behind.requests == []


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
@pytest.mark.parametrize("size", [len(PIECE), 4 * MEBIBYTE])
def test_an_answer_comes_byte_for_byte(door, behind, framing, size):
    behind.answer = answering_much(size, framing)
    answer = door.get("/echo/a")
    assert (answer.status, answer.whole, len(answer.body)) == (200, True, size)
    assert answer.body == PIECE * (size // len(PIECE))


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
def test_the_memory_does_not_grow_with_the_answer(door, behind, framing):
    behind.answer = answering_much(4 * MEBIBYTE, framing)
    door.get("/echo/warm")
    forget(door.served.worker)
    before = peak(door.served.worker)
    behind.answer = answering_much(32 * MEBIBYTE, framing)
    answer = door.get("/echo/a")
    assert (answer.whole, len(answer.body)) == (True, 32 * MEBIBYTE)
    assert peak(door.served.worker) - before < 12 * MEBIBYTE


@pytest.mark.parametrize("framing", ["length", "chunks", "to-the-end"])
def test_too_long_an_answer_is_broken_off_and_not_ended(door, behind, framing):
    behind.answer = answering_much(MAX_ANSWER + 8 * MEBIBYTE, framing)
    answer = door.get("/echo/a")
    assert not answer.whole or answer.code == "upstream_unreachable"
    assert len(answer.body) <= MAX_ANSWER
    behind.again()
    assert door.get("/echo/next").body == b"ok"


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_caller_who_leaves_midway_leaves_nothing_behind(door, behind, framing):
    behind.answer = answering_much(32 * MEBIBYTE, framing)
    door.left_midway("/echo/a")
    behind.again()
    assert [door.get("/echo/next").body for _ in range(20)] == [b"ok"] * 20


@pytest.mark.parametrize(
    ("said", "status", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: a\r\n\r\n", 200, "1234"),
        (b"HTTP/1.1 200 OK\r\nETag: a\r\nTransfer-Encoding: chunked\r\n\r\n", 200, None),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\nETag: a\r\n\r\n", 404, "10"),
    ],
)
def test_an_answer_to_head_has_the_head_of_get_and_no_body(door, behind, said, status, length):
    behind.answer = says(said)
    head = b"HEAD /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n"
    for _ in range(2):
        answer = door.raw(head)
        assert (answer.status, answer.value("etag")) == (status, "a")
        assert answer.value("content-length") in (length, None)
        assert length is None or answer.value("content-length") == length


def test_answers_to_head_and_get_on_one_connection_keep_their_order(door, behind):
    behind.answer = lambda talk: talk.send(OK if talk.read().method == "GET" else OK.removesuffix(b"ok"))
    lines = b" /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n"
    head, get = b"HEAD" + lines, b"GET" + lines + b"Connection: close\r\n"
    said = door.everything(head + b"\r\n" + get + b"\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.count(b"\r\n\r\nok") == 1
    assert said.endswith(b"ok")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("method", [b"GET", b"DELETE"])
def test_what_has_no_body_has_none(door, behind, status, method):
    behind.answer = says(b"HTTP/1.1 " + status + b'\r\nETag: "a"\r\n\r\n')
    said = door.everything(
        method + b" /echo/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
    )
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert body == b""
    assert b"transfer-encoding" not in head.lower()
    assert b"\r\ncontent-type:" not in head.lower()
    assert b'etag: "a"' in head.lower()
