"""Waiting for another process or thread."""

import threading
import time
from collections.abc import Callable

# A generous limit, for busy machines.
SECONDS = 30


def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until a condition is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
