"""Values that take long to compute, or may never be: a thread computes them, and readers wait for a limited time."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundValue(Generic[T]):
    """The result of ``compute``, at most ``max_age`` seconds old; ``compute`` must not raise exceptions."""

    def __init__(self, compute: Callable[[], T], max_age: float) -> None:
        self._compute = compute
        self._max_age = max_age
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._value: T | None = None
        self._computed_at = float("-inf")

    def get(self, timeout: float) -> T | None:
        """Return the value, or None if it is not known within ``timeout`` seconds.

        At most one thread computes it. If it takes longer than the timeout, a later call gets the result.
        """
        with self._lock:
            if time.monotonic() - self._computed_at < self._max_age:
                return self._value
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(timeout)
        return None if thread.is_alive() else self._value

    def _run(self) -> None:
        self._value = self._compute()
        self._computed_at = time.monotonic()
