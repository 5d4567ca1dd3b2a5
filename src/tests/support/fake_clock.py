"""A clock that a test moves on, in the place of a module's own."""

import time


class Clock:
    """Stands where a module of ours has ``time``; nothing passes by itself."""

    def __init__(self):
        self._now = time.monotonic()

    def monotonic(self):
        return self._now

    def pass_by(self, seconds):
        self._now += seconds
