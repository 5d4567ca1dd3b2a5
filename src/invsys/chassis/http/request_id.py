"""``X-Request-Id``: the caller's, where it is usable, else one of ours; on every answer and in every log line."""

import re

from flask import Flask, Response, g, request

from invsys.chassis import identifiers

HEADER = "X-Request-Id"

_USABLE = re.compile(r"[!-~]{1,128}")


def current() -> str:
    """Give the id of the request at hand, and make it where there is none yet."""
    made: str | None = g.get("request_id")
    if made is None:
        sent = request.environ.get("HTTP_X_REQUEST_ID", "")
        made = g.request_id = sent if _USABLE.fullmatch(sent) else identifiers.new().hex
    return made


def register(app: Flask) -> None:
    """Put the id on every answer of ``app``."""

    @app.after_request
    def stamp(answer: Response) -> Response:
        answer.headers[HEADER] = current()
        return answer
