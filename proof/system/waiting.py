"""Waits for other processes."""

import time
from collections.abc import Callable

# A generous limit, for busy machines.
SECONDS = 120.0


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until a condition is true; raises TimeoutError, which names ``what``, after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} seconds")
        time.sleep(0.02)
