"""Compresses (gzip) the responses of services for callers that accept it.

Streamed and partial responses are not compressed: the caller of a compressed stream could not detect that it is
truncated. HTML is not compressed because the list at /table contains text of the request next to private data. Any web
site can make a browser request the list with stored (Basic) credentials, and the length of a compressed response could
reveal the data (BREACH, breachattack.com). Other responses with private data either need a Bearer header, which
browsers do not send on their own, or contain no text of the request.
"""

import functools
import gzip
import re
from http import HTTPStatus

from flask import Response, request
from werkzeug.datastructures import Accept, Headers
from werkzeug.http import parse_accept_header

from invsys.gateway.upstream.headers import GZIP_TAG
from invsys.gateway.upstream.proxy import MAX_BUFFERED

# Bytes. A shorter response fits in one packet anyway.
_MIN_LENGTH = 1024
# A list of 100 allocations takes 0.4 ms with level 1 (8.2 KB), 0.65 ms with level 6 (7.1 KB).
_LEVEL, _LEVEL_OF_PUBLIC = 1, 9
_TYPES = re.compile(
    r"application/(?:[a-z0-9.-]+\+)?(?:json|xml)|application/javascript|image/svg\+xml"
    r"|text/(?:calendar|css|csv|javascript|plain)"
)
# Werkzeug's parser takes quadratic time.
_LONGEST_ACCEPT_ENCODING = 1000


def compress(response: Response, *, is_public: bool) -> Response:
    """Compress the response if the caller accepts it; ``is_public`` means that all callers get the same response.

    The ETag gets the suffix ``-gzip``, because the ETag of each representation must be different (RFC 9110, 8.8.3.3).
    ``headers.for_service`` removes the suffix from conditional requests.
    """
    body = response.response
    if not isinstance(body, list):
        return response
    length = sum(map(len, body))
    if 0 < length < _MIN_LENGTH:
        return response
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        _restore_tag(response)
    elif length and _announce(response):
        content = b"".join(body)
        content = _compress_public(content) if is_public else gzip.compress(content, _LEVEL, mtime=0)
        response.response = [content]
        response.headers["Content-Length"] = str(len(content))
    elif request.method == "HEAD" and _MIN_LENGTH <= (response.content_length or 0) <= MAX_BUFFERED:
        _announce_head(response)
    return response


def is_compressible(media_type: str) -> bool:
    """Return whether responses of this media type, without parameters, are compressed."""
    return _TYPES.fullmatch(media_type) is not None


def _announce(response: Response) -> bool:
    """Return whether to compress the response for this caller, and set its headers accordingly.

    ``Vary`` is set even if this caller gets an uncompressed response, because other callers may get a compressed one.
    """
    headers = response.headers
    if (
        not is_compressible(response.mimetype or "")
        or "Content-Encoding" in headers
        or "no-transform" in headers.get("Cache-Control", "")
    ):
        return False
    response.vary.add("Accept-Encoding")
    if response.status_code == HTTPStatus.PARTIAL_CONTENT or not _accepts_gzip(
        request.environ.get("HTTP_ACCEPT_ENCODING", "")
    ):
        return False
    headers["Content-Encoding"] = "gzip"
    headers.pop("Accept-Ranges", None)
    if tag := _gzip_tag(headers):
        headers["ETag"] = tag
    return True


def _announce_head(response: Response) -> None:
    """Set the headers that the response to a GET would have, except for the compressed length, which is not known."""
    if _announce(response):
        del response.headers["Content-Length"]


def _gzip_tag(headers: Headers) -> str | None:
    """Return the ETag of the compressed representation; None for a weak ETag, which all representations share."""
    tag = headers.get("ETag", "")
    return f"{tag[:-1]}{GZIP_TAG}" if tag.startswith('"') else None


def _restore_tag(response: Response) -> None:
    """Set the ETag of a 304 to that of the representation that the caller has (RFC 9110, 15.4.5)."""
    tag = _gzip_tag(response.headers)
    if tag and tag in request.headers.get("If-None-Match", ""):
        response.headers["ETag"] = tag
        response.vary.add("Accept-Encoding")


@functools.lru_cache(maxsize=256)
def _accepts_gzip(header: str) -> bool:
    """Return whether ``Accept-Encoding`` prefers gzip to no compression (RFC 9110, 12.5.3)."""
    if len(header) > _LONGEST_ACCEPT_ENCODING:
        return False
    accept = parse_accept_header(header, Accept)
    return 0 < accept.quality("gzip") >= accept.quality("identity")


@functools.lru_cache(maxsize=32)
def _compress_public(content: bytes) -> bytes:
    # Anybody can request these few files and documents, so each is compressed only once.
    return gzip.compress(content, _LEVEL_OF_PUBLIC, mtime=0)
