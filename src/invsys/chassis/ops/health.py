"""``/healthz``: the process answers. ``/readyz``: what it needs is there too."""

from collections.abc import Callable

from flask import Flask, Response

from invsys.chassis.http import responses

# The paths for operators and their machines: they accept any ``Host``, and need no key.
FOR_OPERATORS = frozenset({"/healthz", "/readyz", "/metrics"})


def register(app: Flask, require_ready: Callable[[], None]) -> None:
    """Serve both; ``require_ready`` raises a Problem while something is missing."""

    @app.get("/healthz")
    def healthz() -> Response:
        return responses.make_response({"status": "ok"}, root="health")

    @app.get("/readyz")
    def readyz() -> Response:
        require_ready()
        return responses.make_response({"status": "ready"}, root="health")
