"""Ctrl-C during work that should be finished and counted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred() -> Iterator[None]:
    """Let Ctrl-C take effect after the block, so that the counts agree with the commits; pressed twice, at once."""
    if threading.current_thread() is not threading.main_thread():
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
