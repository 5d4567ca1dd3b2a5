"""Parses rates such as ``50/second`` (several are separated by semicolons), and counts requests in memory.

This replaces the in-memory storage of ``limits``, which starts a thread every 10 ms to remove expired counters; those
threads used as much CPU time as the rest of the rate limiting.
"""

import functools
import threading
import time
from collections.abc import Hashable, Sequence

from limits import RateLimitItem, parse_many

# Seconds between two removals of expired counters, without which memory would grow with each new caller.
_CLEANUP_INTERVAL = 60.0


@functools.lru_cache
def parse(text: str) -> Sequence[RateLimitItem]:
    """Parse rates; raises ValueError, also for a rate with a 0, such as ``0/second`` or ``1/0 second``."""
    rates = parse_many(text)
    words = text.replace("/", " ").replace("per", " ").replace(";", " ").replace(",", " ").split()
    if any(word.isdecimal() and int(word) == 0 for word in words):
        raise ValueError(f"rate {text!r} must not contain 0")
    return rates


class FixedWindowCounters:
    """Counters by key; each counter restarts at zero when its time window has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Values: the count, and the end of its window in seconds since 1970.
        self._counts: dict[Hashable, tuple[int, float]] = {}
        self._cleaned_at = time.time()

    def add(self, key: Hashable, seconds: float, cost: int = 1) -> tuple[int, float]:
        """Add ``cost`` to the counter of ``key``; return its count and the end of its window in seconds since 1970.

        A new window lasts ``seconds``.
        """
        now = time.time()
        with self._lock:
            if now - self._cleaned_at > _CLEANUP_INTERVAL:
                self._counts = {other: count for other, count in self._counts.items() if now < count[1]}
                self._cleaned_at = now
            count, ends = self._counts.get(key, (0, 0.0))
            counted = (count + cost, ends) if now < ends else (cost, now + seconds)
            self._counts[key] = counted
            return counted
