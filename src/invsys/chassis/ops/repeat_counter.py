"""Counts repeated events, so that a caller cannot flood the log by repeating a request."""

import threading
import time
from collections.abc import Callable, Hashable

# The length of a counting window, in seconds.
WINDOW = 1

# The key for events that come when the maximum number of keys has been reached.
OTHERS = None


class RepeatCounter:
    """Counts events by key in windows of ``WINDOW`` seconds, with at most ``max_keys`` keys.

    The caller logs the first event of a key in a window. After the window, the next call of ``is_first`` or ``flush``
    calls ``report`` with each key and the number of its further events. Events beyond the maximum number of keys are
    reported as ``OTHERS``.
    """

    def __init__(self, max_keys: int, report: Callable[[Hashable, int], None]) -> None:
        self._max_keys = max_keys
        self._report = report
        self._lock = threading.Lock()
        self._ends = 0.0
        # The number of events after the first one, by key. Empty if there is nothing to flush.
        self.pending: dict[Hashable, int] = {}

    def is_first(self, key: Hashable) -> bool:
        """Return whether this is the first event with ``key`` in the window; count the event if it is not."""
        self.flush()
        with self._lock:
            if not self.pending:
                self._ends = time.monotonic() + WINDOW
            if key not in self.pending:
                if len(self.pending) < self._max_keys:
                    self.pending[key] = 0
                    return True
                key = OTHERS
            self.pending[key] = self.pending.get(key, 0) + 1
            return False

    def flush(self, *, force: bool = False) -> None:
        """Report the repeated events if the window is over or ``force`` is true."""
        with self._lock:
            if not force and time.monotonic() < self._ends:
                return
            ended, self.pending = self.pending, {}
        for key, count in ended.items():
            if count:
                self._report(key, count)
