"""A clock that a test advances; it replaces the module ``time`` in a module under test."""

import time


class Clock:
    """Replaces the module ``time`` in a module under test; its time changes only when ``advance`` is called."""

    def __init__(self):
        self._now = time.monotonic()

    def monotonic(self):
        return self._now

    def advance(self, seconds):
        self._now += seconds
