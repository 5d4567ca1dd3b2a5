"""Answers in JSON or, for a caller that accepts XML and not JSON, in XML with the same names."""

import functools
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, request
from werkzeug.datastructures import Headers, MIMEAccept
from werkzeug.http import parse_accept_header

from invsys.chassis.formats import xml

JSON = "application/json"
XML = "application/xml"

# Werkzeug parses Accept with a regular expression that is quadratic in the header's length: 28,000 blanks cost 1.3 s.
# Browsers send some 150 characters.
_LONGEST_ACCEPT = 1000

# Instants in UTC end with Z.
_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class Answer(Response):
    """A response that is complete as it was made.

    Werkzeug would look through the headers of each once more, above all for a Location that is no URL.
    """

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """Give the headers as they are; a 304 has none about a body."""
        return super().get_wsgi_headers(environ) if self.status_code == HTTPStatus.NOT_MODIFIED else self.headers


def _made(body: bytes, status: int, headers: dict[str, str] | None, media_type: str) -> Answer:
    return Answer(body, status, {"Content-Length": str(len(body)), **(headers or {})}, content_type=media_type)


def wants_xml() -> bool:
    """Return whether the request is to be answered in XML.

    JSON is preferred when both are acceptable, and is the answer to no Accept or an unusable one.
    """
    accept = request.environ.get("HTTP_ACCEPT", "*/*")
    return accept not in ("*/*", JSON) and len(accept) <= _LONGEST_ACCEPT and _prefers_xml(accept)


@functools.lru_cache(maxsize=256)
def _prefers_xml(header: str) -> bool:
    # Parameters do not matter here: responses have one charset, and no versions.
    accept = MIMEAccept(
        (value.partition(";")[0], quality) for value, quality in parse_accept_header(header, MIMEAccept)
    )
    return not accept[JSON] and accept[XML] > 0


def answer(
    data: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    root: str = "answer",
    roots: str | None = None,
    item: str = "item",
) -> Response:
    """Answer ``data`` (what JSON can hold).

    In XML ``root`` names one item, ``roots`` a list of them (default: with an s), ``item`` what lists inside it hold.
    """
    if wants_xml():
        made: Response = _made(xml.dumps(data, root, roots=roots, item=item), status, headers, f"{XML}; charset=utf-8")
    else:
        made = json(data, status, headers)
    made.headers["Vary"] = "Accept"
    return made


def json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer ``data`` in JSON, whatever the caller prefers."""
    return _made(orjson.dumps(data, option=_OPTIONS), status, headers, JSON)


def nothing() -> Response:
    """Answer that it is done (204)."""
    made = Response(status=204)
    del made.headers["Content-Type"]
    return made


def problem(document: dict[str, Any], status: int) -> Response:
    """Answer a problem document (RFC 9457), in the XML of its appendix B for a caller that asked for XML."""
    if wants_xml():
        body = xml.dumps(document, "problem", item="i", namespace="urn:ietf:rfc:7807")
        made = _made(body, status, None, "application/problem+xml; charset=utf-8")
    else:
        made = _made(orjson.dumps(document, option=_OPTIONS), status, None, "application/problem+json")
    made.headers["Vary"] = "Accept"
    return made
