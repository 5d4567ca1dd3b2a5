"""Request bodies: one object of strict JSON, with the right media type and a limited size."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, current_app, g, request

from invsys.chassis.formats import strict_json
from invsys.chassis.http.problems import BodyTooLarge, MalformedBody, UnsupportedMediaType
from invsys.chassis.http.slow_bodies import PROTOCOL, BodyReadLimiter

_JSON = "application/json"
# RFC 7396: JSON whose objects are merged member by member; null removes a member.
MERGE_PATCH = "application/merge-patch+json"
# RFC 5789, section 3.1: the media types that PATCH accepts.
ACCEPT_PATCH = f"{_JSON}, {MERGE_PATCH}"

_LIMITER = "invsys.slow_bodies"


def json_object(*, merge_patch: bool = False) -> dict[str, Any]:
    """Return the body of the current request as a dict.

    It may be a JSON Merge Patch (see ``is_merge_patch``) if the method is PATCH, or if ``merge_patch`` is
    true. Raises UnsupportedMediaType, MalformedBody and the exceptions of ``read``.
    """
    _require_json(merge_patch)
    try:
        value = strict_json.loads(read(current_app.config["MAX_BODY"]))
    except strict_json.MalformedJson as error:
        raise MalformedBody(f"The body is not strict JSON: {error}.") from error
    if not isinstance(value, dict):
        raise MalformedBody("The body must be one JSON object.")
    return value


def _require_json(merge_patch: bool) -> None:
    if request.environ.get("CONTENT_TYPE") == _JSON and "HTTP_CONTENT_ENCODING" not in request.environ:
        return  # the usual case, without parsing
    merge_patch = merge_patch or request.method == "PATCH"
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    is_supported = request.mimetype == _JSON or (merge_patch and is_merge_patch())
    if not is_supported or charset not in ("utf-8", "utf8"):
        raise _unsupported_type(merge_patch)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")


def is_merge_patch() -> bool:
    """Return whether the body of the request is sent as a JSON Merge Patch (RFC 7396)."""
    return request.mimetype == MERGE_PATCH


def _unsupported_type(merge_patch: bool) -> UnsupportedMediaType:
    types = f"{_JSON} or {MERGE_PATCH}" if merge_patch else _JSON
    headers = {"Accept-Patch": ACCEPT_PATCH} if request.method == "PATCH" else None
    return UnsupportedMediaType(f"Send the body as Content-Type: {types}, in UTF-8.", headers)


def read(limit: int) -> bytes:
    """Return the body of the current request as bytes.

    Raises BodyTooLarge (more than ``limit`` bytes), MalformedBody (shorter than its ``Content-Length``, or with a
    transfer coding other than chunked), RequestTimeout, SlowBodies.
    """
    # Checked before Werkzeug parses it: parsing a list of codings takes 1 ms per 1,000 characters.
    if request.environ.get("HTTP_TRANSFER_ENCODING", "chunked").lower() != "chunked":
        raise MalformedBody("Send the body with a Content-Length, or with Transfer-Encoding: chunked.")
    # MAX_CONTENT_LENGTH is not used, because Werkzeug silently truncates a chunked body at that limit.
    length = request.content_length or 0
    if length > limit:
        raise BodyTooLarge(f"A body may have at most {limit} bytes.")
    raw = _read(limit + 1) if length or "HTTP_TRANSFER_ENCODING" in request.environ else b""
    if len(raw) > limit:
        raise BodyTooLarge(f"A body may have at most {limit} bytes.")
    if len(raw) < length:
        raise MalformedBody("The body is shorter than its Content-Length.")
    g.body_was_read = True
    return raw


def _read(size: int) -> bytes:
    protocol = request.environ.get(PROTOCOL)
    if protocol is None:  # not under the production server
        return request.stream.read(size)
    limiter: BodyReadLimiter = current_app.extensions[_LIMITER]
    return limiter.read(request.stream, size, protocol)


def register(app: Flask, server: Mapping[str, Any]) -> None:
    """Limit slow bodies, and close connections whose request body was not read.

    Otherwise the server would parse the unread rest of the body as the next request. ``server`` is the settings
    section.
    """
    app.extensions[_LIMITER] = BodyReadLimiter(server["threads"], server["body_timeout"])

    @app.after_request
    def close_if_unread(response: Response) -> Response:
        length_or_coding = request.environ.get("CONTENT_LENGTH") or request.environ.get("HTTP_TRANSFER_ENCODING")
        if length_or_coding and length_or_coding != "0" and "body_was_read" not in g:
            response.headers["Connection"] = "close"
        return response
