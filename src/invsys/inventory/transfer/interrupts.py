"""Ctrl-C during an import: it ends the wait for input at once, and a running transaction after its commit."""

import io
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

# Milliseconds of one wait for input.
_WAIT = 200


class _Interruptible(io.RawIOBase):
    """A stream that never waits for input longer than ``_WAIT`` at a time.

    Python handles a signal before or after a system call. One that arrives just before a ``read`` blocks would be
    handled only when the ``read`` returns, which may be never.
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
        while not self._poll.poll(_WAIT):
            pass
        return os.readv(self._source, [buffer])


def interruptible(source: IO[bytes]) -> IO[bytes]:
    """Return a stream of the same bytes whose wait for input Ctrl-C always ends; bytes in memory need no waiting."""
    return source if isinstance(source, io.BytesIO) else io.BufferedReader(_Interruptible(source.fileno()))


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C take effect after the block, so that the counts agree with the commits; pressed twice, at once."""
    is_main = threading.current_thread() is threading.main_thread()
    # A job in the background of a script ignores the signal, and has to go on ignoring it.
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
