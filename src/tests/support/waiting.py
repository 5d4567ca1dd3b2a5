"""Waits for other processes and threads."""

import threading
import time
from collections.abc import Callable

# A generous limit, for busy machines.
SECONDS = 120

# Settings of the inventory for busy machines, on which the defaults of a few seconds are too short. A test of a timeout
# sets a shorter one.
LONG_TIMEOUTS = {"INVSYS_DATABASE_STATEMENT_TIMEOUT": str(SECONDS), "INVSYS_DATABASE_CONNECT_TIMEOUT": "60"}
# The same for a gateway. It waits at least as long as the inventory behind it.
LONG_UPSTREAM_TIMEOUTS = {
    "INVSYS_UPSTREAM_CONNECT_TIMEOUT": "60",
    "INVSYS_UPSTREAM_READ_TIMEOUT": str(SECONDS),
    "INVSYS_UPSTREAM_ANSWER_TIMEOUT": str(2 * SECONDS),
}


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true; fail after ``SECONDS``."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
