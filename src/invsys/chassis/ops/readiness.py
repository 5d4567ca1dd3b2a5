"""Serves nothing until what the service stands on, its database say, was once seen to be fit for it.

It may have been away at the start, so the first requests look. Once it was fit, it only has to be there: a newer
version may have migrated it meanwhile, and a migration leaves the version before it working.
"""

from collections.abc import Callable

from flask import Flask


class Fitness:
    """What was seen of it; ``require_fit`` and ``require_there`` raise a Problem where it is not."""

    def __init__(self, require_fit: Callable[[], None], require_there: Callable[[], object]) -> None:
        self._require_fit = require_fit
        self._require_there = require_there
        self._seen = False

    def require(self) -> None:
        """Look now; raises a Problem."""
        if self._seen:
            self._require_there()
        else:
            self.require_once()

    def require_once(self) -> None:
        """Look unless it was seen to be fit before; raises a Problem."""
        if not self._seen:
            self._require_fit()
            self._seen = True


def register(app: Flask, fitness: Fitness, concerns: Callable[[], bool]) -> None:
    """Let the requests of ``app`` that it ``concerns`` wait until it was once fit."""

    @app.before_request
    def check() -> None:
        if concerns():
            fitness.require_once()
