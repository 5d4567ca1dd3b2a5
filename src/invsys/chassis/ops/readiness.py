"""Readiness: requests get 503 until the service's dependency, such as its database, has passed one full check.

The dependency may be unavailable when the service starts, so the first requests check it. After one full check, it only
has to be reachable: a newer version may migrate the database, and each migration keeps the previous version working.
"""

from collections.abc import Callable

from flask import Flask


class Readiness:
    """The state of a dependency. The two checks raise a Problem if they fail.

    ``require_usable`` is the full check. ``require_reachable`` is the check that replaces it once it has passed.
    """

    def __init__(self, require_usable: Callable[[], None], require_reachable: Callable[[], object]) -> None:
        self._require_usable = require_usable
        self._require_reachable = require_reachable
        self._passed = False

    def require(self) -> None:
        """Check the dependency now; raises a Problem."""
        if self._passed:
            self._require_reachable()
        else:
            self.require_once()

    def require_once(self) -> None:
        """Run the full check unless it has passed before; raises a Problem."""
        if not self._passed:
            self._require_usable()
            self._passed = True


def register(app: Flask, readiness: Readiness, applies: Callable[[], bool]) -> None:
    """Before each request to ``app`` for which ``applies()`` is true, run the full check until it has passed once."""

    @app.before_request
    def check() -> None:
        if applies():
            readiness.require_once()
