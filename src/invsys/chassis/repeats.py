"""Counts what repeats within a second, so that a caller who repeats itself cannot flood the log."""

import threading
import time
from collections.abc import Callable, Hashable

# Seconds that are counted together.
WINDOW = 1

# The key of whatever comes when there is no room for a key of its own.
OTHERS = None


class Repeats:
    """Counts by key, for ``WINDOW`` seconds at a time, and keeps at most ``most`` keys.

    The first one of a key within a window is for the caller to log. ``report`` is called with a key and the number of
    further ones after the window, by whichever call of ``is_first`` or ``flush`` comes next; with ``OTHERS`` for those
    that came when there were ``most`` keys already.
    """

    def __init__(self, most: int, report: Callable[[Hashable, int], None]) -> None:
        self._most = most
        self._report = report
        self._lock = threading.Lock()
        self._ends = 0.0
        # By key, how many came after the first one. Empty where there is nothing to flush.
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
        """Report what repeated, if the window is over, or ``at_once``."""
        with self._lock:
            if not at_once and time.monotonic() < self._ends:
                return
            ended, self.pending = self.pending, {}
        for key, count in ended.items():
            if count:
                self._report(key, count)
