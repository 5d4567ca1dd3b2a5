"""Request bodies that arrive slowly: the number of waiting requests, the timeout, and the error responses."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from invsys.chassis.http.problems import Problem, RequestTimeout, SlowBodies
from invsys.chassis.http.slow_bodies import BodyReadLimiter
from tests.support.tables import table_driven
from tests.support.waiting import SECONDS, until


class Connection:
    """A replacement for granian's request and response objects; an incomplete response ends the connection."""

    def __init__(self, body: bytes | None = None) -> None:
        self.body, self.status, self.sent = body, 0, b""
        self._content_length = 0
        self._ended = threading.Event()
        if body is not None:
            self._ended.set()

    def arrive(self, body: bytes) -> None:
        self.body = body
        self._ended.set()

    def read(self, size: int) -> bytes:
        assert self._ended.wait(SECONDS)
        return (self.body or b"")[:size]

    def response_iter(self, status: int, headers: list[tuple[str, str]], chunks: Iterator[bytes]) -> None:
        self.status, self._content_length = status, int(dict(headers)["Content-Length"])
        assert dict(headers)["Connection"] == "close"
        self.sent = b"".join(chunks)
        assert len(self.sent) < self._content_length
        self._ended.set()


class RequestThread:
    """A thread that reads a request body."""

    def __init__(self, limiter: BodyReadLimiter) -> None:
        self.connection, self.outcome = Connection(), list[bytes | Problem]()
        self._watch = limiter
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            with Flask("tiny").test_request_context():
                self.outcome.append(self._watch.read(self.connection, 10, self.connection))
        except Problem as problem:
            self.outcome.append(problem)

    def end(self) -> bytes | Problem:
        self._thread.join(SECONDS)
        return self.outcome[0]


@table_driven("size", [1, 3, 10])
def test_a_prompt_body_is_read_up_to_the_size(size: int) -> None:
    limiter = BodyReadLimiter(threads=1, timeout=SECONDS)
    connection = Connection(b"abcde")
    assert [limiter.read(connection, size, connection) for _ in range(3)] == [b"abcde"[:size]] * 3
    assert connection.status == 0


@table_driven(("threads", "slots"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_half_of_the_threads_may_wait_and_further_slow_bodies_are_refused(threads: int, slots: int) -> None:
    limiter = BodyReadLimiter(threads, timeout=SECONDS)
    waiting = [RequestThread(limiter) for _ in range(slots)]
    until(lambda: sum(read.has_slot for read in limiter._reads) == slots)
    refused = [RequestThread(limiter) for _ in range(threads)]
    assert all(isinstance(request.end(), SlowBodies) for request in refused)
    assert {request.connection.status for request in refused} == {503}
    assert all(b'"code":"slow_bodies"' in request.connection.sent for request in refused)
    for request in waiting:
        request.connection.arrive(b"late")
    assert [request.end() for request in waiting] == [b"late"] * slots
    assert {request.connection.status for request in waiting} == {0}
    another = RequestThread(limiter)
    until(lambda: any(read.has_slot for read in limiter._reads))
    another.connection.arrive(b"later")
    assert another.end() == b"later"


def test_a_body_that_takes_too_long_gets_408_and_frees_its_thread() -> None:
    limiter = BodyReadLimiter(threads=2, timeout=0.1)
    request = RequestThread(limiter)
    problem = request.end()
    assert isinstance(problem, RequestTimeout)
    assert "within 0.1 seconds" in problem.detail
    assert request.connection.status == 408
    assert b'"code":"request_timeout"' in request.connection.sent


def test_exceptions_of_the_stream_are_raised() -> None:
    class Broken(Connection):
        def read(self, size: int) -> bytes:
            raise ConnectionResetError

    limiter = BodyReadLimiter(threads=1, timeout=SECONDS)
    with pytest.raises(ConnectionResetError):
        limiter.read(Broken(), 1, Broken())
    assert not limiter._reads
