"""Pages of other origins that may call: those that are named, to the letter, without what a browser keeps."""

import re
from collections.abc import Sequence

import flask_cors
from flask import Flask, Response, request

from invsys.gateway.upstream import headers as upstream_headers

# Seconds for which a browser need not ask again.
_MAX_AGE = 600
# Characters. flask-cors compares each header that a page names with each that is allowed: 3 ms per 1,000 characters.
_LONGEST_REQUEST = 1000
_REQUESTED = "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"


def allow(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins call, where there are any."""
    if not origins:
        return

    @app.before_request
    def ignore_long_lists() -> None:
        if len(request.environ.get(_REQUESTED, "")) > _LONGEST_REQUEST:
            del request.environ[_REQUESTED]

    @app.after_request
    def tell_caches(answer: Response) -> Response:
        # Of every answer, as it would be another one to another page.
        answer.vary.add("Origin")
        return answer

    flask_cors.CORS(
        app,
        # As patterns: of plain ones flask-cors does not compare the case, and some it takes for patterns.
        origins=[re.compile(rf"{re.escape(origin)}\Z") for origin in origins],
        allow_headers=upstream_headers.FROM_PAGES,
        expose_headers=upstream_headers.TO_PAGES,
        max_age=_MAX_AGE,
        always_send=False,
        vary_header=False,
    )
