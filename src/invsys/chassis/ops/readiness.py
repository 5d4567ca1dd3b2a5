"""Readiness: requests get 503 until the service's dependency, such as its database, has passed one full check.

The dependency may be unavailable when the service starts, so the first requests check it. After one full check, it only
has to be reachable: a newer version may migrate the database, and each migration keeps the previous version working.
"""

import threading
import time
from collections.abc import Callable

from flask import Flask

from invsys.chassis.http.problems import Problem

# Seconds between two calls of ``require_writable``.
_WRITE_INTERVAL = 5.0


class Readiness:
    """The state of a dependency. The checks raise a Problem if they fail.

    ``require_usable`` is the full check. ``require_reachable`` is the check that replaces it once it has passed.
    ``require_writable`` checks that the dependency can also store changes; its result counts for a few seconds.
    """

    def __init__(
        self,
        require_usable: Callable[[], None],
        require_reachable: Callable[[], object],
        require_writable: Callable[[], None] = lambda: None,
    ) -> None:
        self._require_usable = require_usable
        self._require_reachable = require_reachable
        self._require_writable = _Repeated(require_writable, _WRITE_INTERVAL)
        self._passed = False

    def require(self) -> None:
        """Check the dependency now; raises a Problem."""
        if self._passed:
            self._require_reachable()
        else:
            self.require_once()
        self._require_writable()

    def require_once(self) -> None:
        """Run the full check unless it has passed before; raises a Problem."""
        if not self._passed:
            self._require_usable()
            self._passed = True


class _Repeated:
    """A check whose last result counts for ``interval`` seconds, and while another thread repeats the check."""

    def __init__(self, check: Callable[[], None], interval: float) -> None:
        self._check = check
        self._interval = interval
        self._lock = threading.Lock()
        self._due = float("-inf")
        self._problem: Problem | None = None

    def __call__(self) -> None:
        """Run the check if it is due; raises the Problem of its last run."""
        if self._lock.acquire(blocking=False):
            try:
                if time.monotonic() >= self._due:
                    self._problem = self._run()
                    self._due = time.monotonic() + self._interval
            finally:
                self._lock.release()
        problem = self._problem
        if problem is not None:
            # Without this, each call would add to the traceback.
            raise problem.with_traceback(None)

    def _run(self) -> Problem | None:
        try:
            self._check()
        except Problem as problem:
            return problem
        return None


def register(app: Flask, readiness: Readiness, applies: Callable[[], bool]) -> None:
    """Before each request to ``app`` for which ``applies()`` is true, run the full check until it has passed once."""

    @app.before_request
    def check() -> None:
        if applies():
            readiness.require_once()
