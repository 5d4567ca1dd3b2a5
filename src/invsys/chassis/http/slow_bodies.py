"""Limits on request bodies that arrive slowly: a deadline, and at most half of the threads may wait for such bodies.

The production server (granian 2.8) starts a request when its headers have arrived. Its ``read`` blocks until the whole
body has arrived, and only the end of the connection interrupts it. So one thread checks the reads in progress. If a
read takes too long, another thread sends the response in place of the request's own thread. The ``Content-Length`` of
this response is one byte too large, so the server closes the connection, the read returns, and the request's thread is
free again. After a complete response, the server would wait for the rest of the body.

A body that arrives immediately costs only an entry in a set. Under servers other than granian, these limits do not
apply.
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from invsys.chassis.http import default_headers, request_id
from invsys.chassis.http.problems import Problem, RequestTimeout, SlowBodies, problem_response

# The key of the WSGI environment under which ``worker`` stores granian's protocol object of a request.
PROTOCOL = "granian.protocol"

# Seconds between two checks. A body that has not arrived after this time is slow.
_INTERVAL = 0.025
# A slow body without a slot is refused after _CHECKS checks. A check that runs later than _INTERVAL * _LATE does not
# count: the machine is busy, and the body may already have arrived.
_CHECKS, _LATE = 3, 1.2
# Seconds that the server has to send a response before the connection is closed. The time for SlowBodies is short, so
# that its responses do not occupy threads for long. A client that gets no response in this time detects the failure by
# the closed connection.
_TO_SEND: dict[type[Problem], float] = {RequestTimeout: 0.5, SlowBodies: 0.02}


class Stream(Protocol):
    """The input stream of a body."""

    def read(self, size: int, /) -> bytes:
        """Read ``size`` bytes, or fewer if the body ends before."""


class ResponseProtocol(Protocol):
    """Granian's protocol object of a request; it sends the first response and ignores any other."""

    def response_iter(self, status: int, headers: list[tuple[str, str]], chunks: "_ChunksThenPause", /) -> None:
        """Send a response whose body is an iterator of chunks."""


class _Read:
    """A read in progress."""

    __slots__ = ("began", "checks", "context", "has_slot", "problem", "protocol")

    def __init__(self, protocol: ResponseProtocol) -> None:
        self.began, self.protocol, self.context = time.monotonic(), protocol, contextvars.copy_context()
        self.has_slot, self.checks = False, 0
        self.problem: Problem | None = None


class BodyReadLimiter:
    """Limits slow reads: at most half of ``threads`` threads may wait for one, each for at most ``timeout`` seconds."""

    def __init__(self, threads: int, timeout: float) -> None:
        self._slots, self._timeout = max(1, threads // 2), timeout
        # Either the read's own thread or the checking thread removes a read; that thread sends the response.
        self._reads: set[_Read] = set()
        self._thread: threading.Thread | None = None
        self._sleeping, self._read_started, self._lock = True, threading.Event(), threading.Lock()

    def read(self, stream: Stream, size: int, protocol: ResponseProtocol) -> bytes:
        """Read up to ``size`` bytes from ``stream``; raises RequestTimeout, SlowBodies."""
        read = _Read(protocol)
        self._reads.add(read)
        if self._sleeping:
            self._wake()
        try:
            return stream.read(size)
        finally:
            try:
                self._reads.remove(read)
            except KeyError:
                raise read.problem from None  # type: ignore[misc]

    def _wake(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="slow-bodies", daemon=True)
                self._thread.start()
        self._read_started.set()

    def _run(self) -> None:
        while True:
            self._read_started.clear()
            self._sleeping = True
            if not self._reads:
                self._read_started.wait()
            self._sleeping = False
            began = time.monotonic()
            threading.Event().wait(_INTERVAL)
            self._check(in_time=time.monotonic() - began < _INTERVAL * _LATE)

    def _check(self, in_time: bool) -> None:
        now = time.monotonic()
        slow = [read for read in list(self._reads) if now - read.began >= _INTERVAL]
        reads = sorted(slow, key=lambda read: read.began)
        free = self._slots - sum(read.has_slot for read in reads)
        for read in reads:
            if read.has_slot:
                if now - read.began >= self._timeout:
                    self._refuse(read, RequestTimeout(f"The body did not arrive within {self._timeout:g} seconds."))
            elif free > 0:
                read.has_slot, free = True, free - 1
            else:
                read.checks += in_time
                if read.checks == _CHECKS:
                    self._refuse(read, SlowBodies("Too many requests are waiting for their bodies."))

    def _refuse(self, read: _Read, problem: Problem) -> None:
        read.problem = problem
        with contextlib.suppress(KeyError):  # the body has just arrived
            self._reads.remove(read)
            threading.Thread(target=read.context.run, args=(_send, read.protocol, problem), daemon=True).start()


def _send(protocol: ResponseProtocol, problem: Problem) -> None:
    """Send the response to the request of the current context, and make the server close the connection."""
    response = problem_response(problem)
    body = response.get_data()
    response.headers.update(
        {"Connection": "close", "Content-Length": str(len(body) + 1), request_id.HEADER: request_id.current()}
    )
    headers = response.headers.to_wsgi_list()
    default_headers.add_defaults(headers)
    protocol.response_iter(response.status_code, headers, _ChunksThenPause(body, _TO_SEND[type(problem)]))


class _ChunksThenPause:
    """An iterator over the body that ends after a pause, during which the server sends the body."""

    def __init__(self, body: bytes, seconds: float) -> None:
        self._chunks, self._seconds = [body], seconds

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._chunks:
            return self._chunks.pop()
        threading.Event().wait(self._seconds)
        raise StopIteration

    def close(self) -> None:
        """Do nothing; granian requires the method."""
