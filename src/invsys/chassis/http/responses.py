"""Responses in JSON or, for a client that accepts XML but not JSON, in XML with the same member names."""

import functools
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
from flask import Response, request
from werkzeug.datastructures import Headers, MIMEAccept
from werkzeug.http import parse_accept_header

from invsys.chassis.formats import xml

JSON = "application/json"
XML = "application/xml"
HTML = "text/html"

# Werkzeug parses Accept with a regular expression that is quadratic in the length of the header: 28,000 spaces take
# 1.3 s. Browsers send about 150 characters.
_LONGEST_ACCEPT = 1000

# Timestamps in UTC end with Z.
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


_NO_MEMBERS: Mapping[str, Any] = MappingProxyType({})


class RawHeadersResponse(Response):
    """A response whose headers are sent unchanged.

    Otherwise Werkzeug would process them once more, for example to encode ``Location``. ``log_members`` are additional
    members of the request's line in the log.
    """

    log_members: Mapping[str, Any] = _NO_MEMBERS

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """Return the headers unchanged; for a 304, let Werkzeug remove those that describe a body."""
        return super().get_wsgi_headers(environ) if self.status_code == HTTPStatus.NOT_MODIFIED else self.headers


def log_members(response: Response) -> Mapping[str, Any]:
    """Return the additional members of the log line of a request with this response."""
    return response.log_members if isinstance(response, RawHeadersResponse) else _NO_MEMBERS


def _complete(body: bytes, status: int, headers: dict[str, str] | None, media_type: str) -> RawHeadersResponse:
    all_headers = {"Content-Length": str(len(body)), **(headers or {})}
    return RawHeadersResponse(body, status, all_headers, content_type=media_type)


def wants_xml() -> bool:
    """Return whether the response to the current request is XML.

    JSON is preferred if both are acceptable, and is the default without ``Accept`` or with an unusable one.
    """
    accept = request.environ.get("HTTP_ACCEPT", "*/*")
    return accept not in ("*/*", JSON) and len(accept) <= _LONGEST_ACCEPT and _prefers_xml(accept)


@functools.lru_cache(maxsize=256)
def _prefers_xml(header: str) -> bool:
    accept = _without_parameters(header)
    return not accept[JSON] and accept[XML] > 0


def _without_parameters(header: str) -> MIMEAccept:
    """Parse ``Accept``. Parameters are irrelevant: responses have one charset and no versions."""
    return MIMEAccept((value.partition(";")[0], quality) for value, quality in parse_accept_header(header, MIMEAccept))


def wants_page() -> bool:
    """Return whether the current request comes from a browser that shows a page: it prefers HTML to JSON and XML.

    Below ``/api/``, browsers get the responses that programs get.
    """
    accept = request.environ.get("HTTP_ACCEPT", "*/*")
    if "text/html" not in accept or len(accept) > _LONGEST_ACCEPT or f"{request.path}/".startswith("/api/"):
        return False
    return _prefers_html(accept)


@functools.lru_cache(maxsize=256)
def _prefers_html(header: str) -> bool:
    accept = _without_parameters(header)
    return accept[HTML] > max(accept[JSON], accept[XML])


def make_response(
    data: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    root: str = "answer",
    roots: str | None = None,
    item: str = "item",
) -> RawHeadersResponse:
    """Return a response with ``data``, which JSON must be able to represent, in the format that the client accepts.

    In XML, ``root`` is the element of a single item, ``roots`` that of a list (default: ``root`` with an "s"), and
    ``item`` that of the members of nested lists.
    """
    if wants_xml():
        body = xml.dumps(data, root, roots=roots, item=item)
        response = _complete(body, status, headers, f"{XML}; charset=utf-8")
    else:
        response = json(data, status, headers)
    response.headers["Vary"] = "Accept"
    return response


def json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> RawHeadersResponse:
    """Return a JSON response with ``data``, regardless of ``Accept``."""
    return _complete(orjson.dumps(data, option=_OPTIONS), status, headers, JSON)


def no_content() -> Response:
    """Return an empty response with status 204."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def page(html: str, status: int, headers: dict[str, str]) -> RawHeadersResponse:
    """Return an HTML response; clients other than browsers get JSON or XML at the same URL."""
    return _complete(html.encode(), status, {"Vary": "Accept", **headers}, f"{HTML}; charset=utf-8")


def problem(document: dict[str, Any], status: int) -> RawHeadersResponse:
    """Return a response with a problem document, in JSON or in XML (RFC 9457, appendix B)."""
    if wants_xml():
        body = xml.dumps(document, "problem", item="i", namespace="urn:ietf:rfc:7807")
        response = _complete(body, status, None, "application/problem+xml; charset=utf-8")
    else:
        response = _complete(orjson.dumps(document, option=_OPTIONS), status, None, "application/problem+json")
    response.headers["Vary"] = "Accept"
    return response
