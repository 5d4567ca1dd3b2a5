"""Pages of other origins that may call: those that are named, to the letter, without what a browser keeps."""

import re
from collections.abc import Sequence

import flask_cors
from flask import Flask, Response

from invsys.gateway import passing

# Seconds for which a browser need not ask again.
_MAX_AGE = 600


def allow(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins call, where there are any."""
    if not origins:
        return

    @app.after_request
    def tell_caches(answer: Response) -> Response:
        # Of every answer, as it would be another one to another page.
        answer.vary.add("Origin")
        return answer

    flask_cors.CORS(
        app,
        # As patterns: of plain ones flask-cors does not compare the case, and some it takes for patterns.
        origins=[re.compile(rf"{re.escape(origin)}\Z") for origin in origins],
        allow_headers=passing.FROM_PAGES,
        expose_headers=passing.TO_PAGES,
        max_age=_MAX_AGE,
        always_send=False,
        vary_header=False,
    )
