"""Ctrl-C during work that should be finished and counted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
