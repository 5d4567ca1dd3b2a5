"""Handles Ctrl-C during a command that commits several times and says at its end how much it has done.

If the command is waiting for input, it ends immediately, otherwise after the commit of the current batch. A second
Ctrl-C always ends it immediately.
"""

import io
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

# Milliseconds.
_POLL_TIMEOUT = 200


class _Interruptible(io.RawIOBase):
    """A stream that waits for input in steps of ``_POLL_TIMEOUT``, so that signals are handled between them.

    Python handles signals between system calls. A signal that arrives just before a ``read`` blocks is handled only
    when that ``read`` returns, which may be never.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self._poll = select.poll()
        self._poll.register(source, select.POLLIN)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._source

    def readinto(self, buffer: Any) -> int:
        while not self._poll.poll(_POLL_TIMEOUT):
            pass
        return os.readv(self._source, [buffer])


def interruptible(source: IO[bytes]) -> IO[bytes]:
    """Return a stream of the same bytes in which Ctrl-C always interrupts a wait for input.

    Reading a file, or bytes in memory, never waits for input: such a stream is returned unchanged.
    """
    return source if source.seekable() else io.BufferedReader(_Interruptible(source.fileno()))


@contextmanager
def deferred() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block, so that the reported counts match what was committed.

    A second Ctrl-C takes effect immediately.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # A background job of a shell script ignores the signal, and must continue to ignore it.
    if not is_main or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    pending = False

    def interrupt(*_: Any) -> None:
        nonlocal pending
        if pending:
            raise KeyboardInterrupt
        pending = True

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if pending:
        raise KeyboardInterrupt
