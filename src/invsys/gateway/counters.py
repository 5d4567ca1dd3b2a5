"""Counts of requests in the memory of a process.

``limits`` has such a storage too, which starts a thread every hundredth of a second to clear it: that took as long as
everything else that the limits do.
"""

import threading
import time

from limits.storage import Storage


class Counters(Storage):
    """Counters that begin again after their time."""

    base_exceptions = ()

    def __init__(self, uri: str | None = None, **_: str) -> None:
        super().__init__(uri)
        self._lock = threading.Lock()
        # By key: the count, and when it ends.
        self._counts: dict[str, tuple[int, float]] = {}
        self._cleared_at = time.time()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count ``amount`` more, and give the count; a new one ends after ``expiry`` seconds."""
        now = time.time()
        with self._lock:
            self._clear(now)
            count, ends = self._counts.get(key, (0, 0.0))
            count, ends = (count + amount, ends) if now < ends else (amount, now + expiry)
            self._counts[key] = count, ends
            return count

    def get(self, key: str) -> int:
        """Give the count."""
        count, ends = self._counts.get(key, (0, 0.0))
        return count if time.time() < ends else 0

    def get_expiry(self, key: str) -> float:
        """Give when the count ends, in seconds since 1970; of none, now."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Say whether it can be used."""
        return True

    def reset(self) -> int | None:
        """Forget all counts, and give how many there were."""
        with self._lock:
            number = len(self._counts)
            self._counts.clear()
            return number

    def clear(self, key: str) -> None:
        """Forget a count."""
        with self._lock:
            self._counts.pop(key, None)

    def _clear(self, now: float) -> None:
        """Forget what has ended, now and then: whoever called once is not remembered for ever."""
        if now - self._cleared_at > 60.0:
            self._counts = {key: count for key, count in self._counts.items() if now < count[1]}
            self._cleared_at = now
