"""The id of a request, which its response and its log lines contain.

It is the value of the header ``X-Request-Id`` if that is valid, otherwise a new id.
"""

import re

from flask import Flask, Response, g, request

from invsys.chassis import identifiers

HEADER = "X-Request-Id"

_VALID = re.compile(r"[!-~]{1,128}")


def current() -> str:
    """Return the id of the current request; the first call creates it if the request has no valid one."""
    current_id: str | None = g.get("request_id")
    if current_id is None:
        header = request.environ.get("HTTP_X_REQUEST_ID", "")
        current_id = g.request_id = header if _VALID.fullmatch(header) else identifiers.new().hex
    return current_id


def register(app: Flask) -> None:
    """Add the id to every response of ``app``."""

    @app.after_request
    def add_header(response: Response) -> Response:
        response.headers[HEADER] = current()
        return response
