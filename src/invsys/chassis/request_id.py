"""``X-Request-Id``: the caller's, where it is usable, else one of ours; on every answer and in every log line."""

import re
import uuid

from flask import Flask, Response, g, request

HEADER = "X-Request-Id"

_USABLE = re.compile(r"[!-~]{1,128}")


def current() -> str:
    """Give the id of the request at hand, and make it where there is none yet."""
    made: str | None = g.get("request_id")
    if made is None:
        sent = request.headers.get(HEADER, "")
        made = g.request_id = sent if _USABLE.fullmatch(sent) else uuid.uuid4().hex
    return made


def register(app: Flask) -> None:
    """Put the id on every answer of ``app``."""

    @app.after_request
    def stamp(answer: Response) -> Response:
        answer.headers[HEADER] = current()
        return answer
