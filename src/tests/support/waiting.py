"""Waiting for what another process, or another thread, is about to do."""

import threading
import time
from collections.abc import Callable

# How long anything may take on a machine that has other work, too.
SECONDS = 30


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
