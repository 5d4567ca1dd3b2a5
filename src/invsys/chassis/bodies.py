"""Request bodies: announced as JSON, no larger than allowed, strict, one object."""

from typing import Any

from flask import Flask, Response, current_app, g, request

from invsys.chassis import strict_json
from invsys.chassis.problems import BodyTooLarge, MalformedBody, UnsupportedMediaType


def json_object() -> dict[str, Any]:
    """Give the request's body; raises UnsupportedMediaType, BodyTooLarge, MalformedBody."""
    _require_json()
    try:
        value = strict_json.loads(read(current_app.config["MAX_BODY"]))
    except strict_json.MalformedJson as error:
        raise MalformedBody(f"The body is not strict JSON: {error}.") from error
    if not isinstance(value, dict):
        raise MalformedBody("The body has to be one JSON object.")
    return value


def _require_json() -> None:
    if request.environ.get("CONTENT_TYPE") == "application/json" and "HTTP_CONTENT_ENCODING" not in request.environ:
        return  # what nearly everybody sends
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the body as Content-Type: application/json, in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")


def read(limit: int) -> bytes:
    """Give the body, whatever is in it; raises BodyTooLarge (more than ``limit`` bytes), MalformedBody (broken off)."""
    # Read by hand: Werkzeug's own MAX_CONTENT_LENGTH cuts a chunked body silently at the limit.
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(f"A body may have at most {limit} bytes.")
    raw = request.stream.read(limit + 1)
    if len(raw) > limit:
        raise BodyTooLarge(f"A body may have at most {limit} bytes.")
    if len(raw) < (request.content_length or 0):
        raise MalformedBody("The body is shorter than announced.")
    g.body_was_read = True
    return raw


def register(app: Flask) -> None:
    """Close the connection after a request whose body was not read: a caller would send the next one into its midst."""

    @app.after_request
    def close(answer: Response) -> Response:
        announced = request.environ.get("CONTENT_LENGTH") or request.environ.get("HTTP_TRANSFER_ENCODING")
        if announced and announced != "0" and "body_was_read" not in g:
            answer.headers["Connection"] = "close"
        return answer
