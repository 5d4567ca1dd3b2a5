"""Counts of requests in the memory of a process.

``limits`` has such a storage too, which starts a thread every hundredth of a second to clear it: that took as long as
everything else that the limits do.
"""

import threading
import time
from collections.abc import Hashable

# Seconds between two times at which those that have ended are forgotten: nobody is remembered for ever.
_INTERVAL = 60.0


class Counters:
    """Counters that begin again after their time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By key: the count, and when it ends.
        self._counts: dict[Hashable, tuple[int, float]] = {}
        self._cleared_at = time.time()

    def count(self, key: Hashable, seconds: float, cost: int = 1) -> tuple[int, float]:
        """Add ``cost``, and return the count and when it ends, in seconds since 1970; a new one has ``seconds``."""
        now = time.time()
        with self._lock:
            if now - self._cleared_at > _INTERVAL:
                self._counts = {known: count for known, count in self._counts.items() if now < count[1]}
                self._cleared_at = now
            number, ends = self._counts.get(key, (0, 0.0))
            counted = (number + cost, ends) if now < ends else (cost, now + seconds)
            self._counts[key] = counted
            return counted
