"""Health checks: ``/healthz`` succeeds if the process responds, ``/readyz`` if its dependencies are available, too."""

from collections.abc import Callable

from flask import Flask, Response

from invsys.chassis.http import responses

# The paths for operators and monitoring: they accept any ``Host`` and need no credentials.
FOR_OPERATORS = frozenset({"/healthz", "/readyz", "/metrics"})


def register(app: Flask, require_ready: Callable[[], None]) -> None:
    """Add ``/healthz`` and ``/readyz`` to ``app``.

    ``/readyz`` calls ``require_ready``, which raises a Problem if a dependency is unavailable.
    """

    @app.get("/healthz")
    def healthz() -> Response:
        return responses.make_response({"status": "ok"}, root="health")

    @app.get("/readyz")
    def readyz() -> Response:
        require_ready()
        return responses.make_response({"status": "ready"}, root="health")
