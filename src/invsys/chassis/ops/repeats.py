"""Counts events that repeat within a second, so that a caller cannot flood the log by repeating a request."""

import threading
import time
from collections.abc import Callable, Hashable

# Seconds that are counted together.
WINDOW = 1

# The key of all events that come when there is no room for another key.
OTHERS = None


class Repeats:
    """Counts by key, for ``WINDOW`` seconds at a time, and keeps at most ``most`` keys.

    The first event of a key within a window is for the caller to log. After the window, the next call of ``is_first``
    or ``flush`` calls ``report`` with each key and the number of its further events. Events without room for their key
    are reported as ``OTHERS``.
    """

    def __init__(self, most: int, report: Callable[[Hashable, int], None]) -> None:
        self._most = most
        self._report = report
        self._lock = threading.Lock()
        self._ends = 0.0
        # The number of events after the first one, by key. Empty if there is nothing to flush.
        self.pending: dict[Hashable, int] = {}

    def is_first(self, key: Hashable) -> bool:
        """Return whether ``key`` is the first of its kind in this window, and count it if it is not."""
        self.flush()
        with self._lock:
            if not self.pending:
                self._ends = time.monotonic() + WINDOW
            if key not in self.pending:
                if len(self.pending) < self._most:
                    self.pending[key] = 0
                    return True
                key = OTHERS
            self.pending[key] = self.pending.get(key, 0) + 1
            return False

    def flush(self, *, at_once: bool = False) -> None:
        """Report the repeated events if the window is over, or if ``at_once``."""
        with self._lock:
            if not at_once and time.monotonic() < self._ends:
                return
            ended, self.pending = self.pending, {}
        for key, count in ended.items():
            if count:
                self._report(key, count)
