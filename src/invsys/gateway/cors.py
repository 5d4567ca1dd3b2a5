"""Cross-origin requests (CORS): allows the configured origins, matched exactly and without credentials."""

import re
from collections.abc import Sequence

import flask_cors
from flask import Flask, Response, request

from invsys.gateway.upstream import headers as upstream_headers

# Seconds for which a browser may cache the response to a preflight request.
_MAX_AGE = 600
# Characters. flask-cors compares each requested header with each allowed one, which takes 3 ms per 1,000 characters.
_MAX_REQUEST_HEADERS = 1000
_REQUEST_HEADERS = "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"


def register(app: Flask, origins: Sequence[str]) -> None:
    """Allow requests from pages of these origins; without origins, do nothing."""
    if not origins:
        return

    @app.before_request
    def ignore_long_lists() -> None:
        if len(request.environ.get(_REQUEST_HEADERS, "")) > _MAX_REQUEST_HEADERS:
            del request.environ[_REQUEST_HEADERS]

    @app.after_request
    def vary_by_origin(response: Response) -> Response:
        # Also for requests without Origin: a cache must not use their responses for pages of other origins.
        response.vary.add("Origin")
        return response

    flask_cors.CORS(
        app,
        # As patterns: flask-cors compares plain strings case-insensitively and interprets some of them as patterns.
        origins=[re.compile(rf"{re.escape(origin)}\Z") for origin in origins],
        allow_headers=upstream_headers.CORS_ALLOWED,
        expose_headers=upstream_headers.CORS_EXPOSED,
        max_age=_MAX_AGE,
        always_send=False,
        vary_header=False,
    )
