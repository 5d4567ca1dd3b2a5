"""Request bodies are read in threads of their own, so that slow ones cannot occupy the threads that answer requests.

The production server hands over a request when its head has arrived. Its ``read`` blocks until the whole body is
there, and cannot be interrupted. So a reader thread calls it, and the request's thread waits with a timeout. A prompt
body costs a few microseconds more. Of the threads that answer requests, at most half may wait for slow bodies.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from invsys.chassis.problems import Problem, RequestTimeout, SlowBodies

# Seconds after which a body is slow.
_PROMPT = 0.025
# A slow body without a slot is refused after so many further waits; one that took this much longer than it was to take
# does not count, since the machine is busy, and the body may only have to be taken in. There is a limit to them, too.
_WAITS, _BUSY, _MAX_WAITS = 3, 1.2, 40


class Abandoned(Exception):
    """A read that was given up, and goes on in its thread: ``problem`` is the answer, ``wait`` waits for its end."""

    def __init__(self, problem: Problem, wait: Callable[[], object]) -> None:
        super().__init__(problem)
        self.problem, self.wait = problem, wait


class Stream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes, until the body ends."""


class BodyReader:
    """Reads bodies for ``threads`` threads; a slow one may take ``timeout`` seconds."""

    def __init__(self, threads: int, timeout: float) -> None:
        self._timeout = timeout
        self._slots = threading.BoundedSemaphore(max(1, threads // 2))
        self._idle: deque[_Reader] = deque()

    def read(self, stream: Stream, size: int) -> bytes:
        """Read up to ``size`` bytes; raises Abandoned (RequestTimeout, SlowBodies), and what ``stream`` raises."""
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = _Reader()
        reader.task = stream.read, size
        reader.begin.release()
        if not reader.done.acquire(timeout=_PROMPT):
            self._wait(reader)
        body, error, reader.body, reader.error = reader.body, reader.error, b"", None
        self._idle.append(reader)
        if error is not None:
            raise error
        return body

    def _wait(self, reader: "_Reader") -> None:
        if not self._slot(reader):
            return
        try:
            arrived = reader.done.acquire(timeout=self._timeout)
        finally:
            self._slots.release()
        if not arrived:
            raise reader.abandon(RequestTimeout(f"The body did not arrive within {self._timeout:g} seconds."))

    def _slot(self, reader: "_Reader") -> bool:
        """Take a slot; return False where the body arrives before there is one; raises Abandoned."""
        waits = 0
        for _ in range(_MAX_WAITS):
            if self._slots.acquire(blocking=False):
                return True
            began = time.monotonic()
            if reader.done.acquire(timeout=_PROMPT):
                return False
            waits += time.monotonic() - began < _PROMPT * _BUSY
            if waits == _WAITS:
                break
        raise reader.abandon(SlowBodies("Too many requests are waiting for their bodies."))


class _Reader:
    """A thread that reads one body after another."""

    def __init__(self) -> None:
        self.task: tuple[Callable[[int], bytes], int] | None = None
        self.body = b""
        self.error: BaseException | None = None
        self._is_abandoned = False
        self.begin, self.done = threading.Lock(), threading.Lock()
        self.begin.acquire()
        self.done.acquire()
        threading.Thread(target=self._run, name="body-reader", daemon=True).start()

    def abandon(self, problem: Problem) -> Abandoned:
        """Let the thread end with the read that it is in; return what to raise."""
        self._is_abandoned = True
        self.begin.release()
        return Abandoned(problem, self.done.acquire)

    def _run(self) -> None:
        while True:
            self.begin.acquire()
            if self._is_abandoned:
                return
            try:
                self.body = self.task[0](self.task[1])  # type: ignore[index]
            except BaseException as error:  # noqa: BLE001 - raised in the request's thread
                self.error = error
            # The stream keeps the connection open.
            self.task = None
            self.done.release()
