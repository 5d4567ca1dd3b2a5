"""Waits for other processes and threads."""

import threading
import time
from collections.abc import Callable

# A generous limit, for busy machines.
SECONDS = 120


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true; fail after ``SECONDS``."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
