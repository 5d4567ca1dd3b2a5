"""Limits on request bodies that arrive slowly: a deadline, and at most half the threads may wait for them.

The production server (granian 2.8) hands over a request when its head has arrived, and its ``read`` blocks until the
whole body is there; only the end of the connection interrupts it. So one thread, the watch, looks at the reads in
progress. If a read takes too long, a thread of the watch answers the request instead of the request's own thread. That
answer announces one byte more than it has, so the server closes the connection, the read returns, and the request's
thread is free. After a complete answer, the server would wait for the rest of the body.

A body that arrives at once costs only an entry in a set. Without the production server there are no limits.
"""

import contextlib
import contextvars
import threading
import time
from collections.abc import Iterator
from typing import Protocol

from invsys.chassis.http import default_headers, request_id
from invsys.chassis.http.problems import Problem, RequestTimeout, SlowBodies, problem_answer

# The key of the WSGI environment under which ``worker`` stores granian's side of a request.
PROTOCOL = "granian.protocol"

# Seconds between two looks of the watch. A body that is not there after one of them is slow.
_INTERVAL = 0.025
# A slow body without a slot is refused after this many looks. A look that comes later than the interval times _LATE
# does not count: the machine is busy, and the body may have arrived already.
_LOOKS, _LATE = 3, 1.2
# Seconds that the server gets to send an answer before the connection is closed. They are few for SlowBodies, so that
# its answers do not occupy threads for long; a client that sees only the closed connection learns that it failed, too.
_TO_SEND: dict[type[Problem], float] = {RequestTimeout: 0.5, SlowBodies: 0.02}


class Stream(Protocol):
    """The input stream of a body."""

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes, until the body ends."""


class Responding(Protocol):
    """Granian's side of a request: the first response counts."""

    def response_iter(self, status: int, headers: list[tuple[str, str]], pieces: "_Pieces", /) -> None:
        """Send a response piece by piece."""


class _Read:
    """A read in progress."""

    __slots__ = ("began", "context", "has_slot", "looks", "problem", "protocol")

    def __init__(self, protocol: Responding) -> None:
        self.began, self.protocol, self.context = time.monotonic(), protocol, contextvars.copy_context()
        self.has_slot, self.looks = False, 0
        self.problem: Problem | None = None


class Watch:
    """Watches the reads of ``threads`` threads; a slow one may take ``timeout`` seconds."""

    def __init__(self, threads: int, timeout: float) -> None:
        self._slots, self._timeout = max(1, threads // 2), timeout
        # A read is removed either by its own thread or by the watch; the one that removes it answers the request.
        self._reads: set[_Read] = set()
        self._thread: threading.Thread | None = None
        self._sleeps, self._begun, self._lock = True, threading.Event(), threading.Lock()

    def read(self, stream: Stream, size: int, protocol: Responding) -> bytes:
        """Read up to ``size`` bytes; raises RequestTimeout, SlowBodies."""
        read = _Read(protocol)
        self._reads.add(read)
        if self._sleeps:
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
        self._begun.set()

    def _run(self) -> None:
        while True:
            self._begun.clear()
            self._sleeps = True
            if not self._reads:
                self._begun.wait()
            self._sleeps = False
            began = time.monotonic()
            threading.Event().wait(_INTERVAL)
            self._look(in_time=time.monotonic() - began < _INTERVAL * _LATE)

    def _look(self, in_time: bool) -> None:
        now = time.monotonic()
        reads = sorted((read for read in list(self._reads) if now - read.began >= _INTERVAL), key=lambda it: it.began)
        free = self._slots - sum(read.has_slot for read in reads)
        for read in reads:
            if read.has_slot:
                if now - read.began >= self._timeout:
                    self._refuse(read, RequestTimeout(f"The body did not arrive within {self._timeout:g} seconds."))
            elif free > 0:
                read.has_slot, free = True, free - 1
            else:
                read.looks += in_time
                if read.looks == _LOOKS:
                    self._refuse(read, SlowBodies("Too many requests are waiting for their bodies."))

    def _refuse(self, read: _Read, problem: Problem) -> None:
        read.problem = problem
        with contextlib.suppress(KeyError):  # it has just arrived
            self._reads.remove(read)
            threading.Thread(target=read.context.run, args=(_send, read.protocol, problem), daemon=True).start()


def _send(protocol: Responding, problem: Problem) -> None:
    """Answer the request of the current context, and make the server close the connection."""
    answer = problem_answer(problem)
    body = answer.get_data()
    answer.headers.update(
        {"Connection": "close", "Content-Length": str(len(body) + 1), request_id.HEADER: request_id.current()}
    )
    headers = answer.headers.to_wsgi_list()
    default_headers.complete(headers)
    protocol.response_iter(answer.status_code, headers, _Pieces(body, _TO_SEND[type(problem)]))


class _Pieces:
    """The body, then a pause in which the server sends it."""

    def __init__(self, body: bytes, seconds: float) -> None:
        self._pieces, self._seconds = [body], seconds

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._pieces:
            return self._pieces.pop()
        threading.Event().wait(self._seconds)
        raise StopIteration

    def close(self) -> None:
        """Do nothing; granian requires the method."""
