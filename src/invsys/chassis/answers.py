"""Answers in JSON or, for a caller that accepts XML and not JSON, in XML with the same names."""

from typing import Any

import orjson
from flask import Response, request
from werkzeug.datastructures import MIMEAccept

from invsys.chassis import xml

JSON = "application/json"
XML = "application/xml"

_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


def wants_xml() -> bool:
    """Say whether the request is to be answered in XML.

    JSON is preferred when both are acceptable, and is the answer to no Accept or an unusable one.
    """
    if request.headers.get("Accept", "*/*") in ("*/*", JSON):
        return False
    # Parameters do not matter here: what we send has one charset, and no versions.
    accept = MIMEAccept((value.partition(";")[0], quality) for value, quality in request.accept_mimetypes)
    return not accept[JSON] and accept[XML] > 0


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None, *, root: str = "answer") -> Response:
    """Answer ``data`` (what JSON can hold); ``root`` names one item in XML, and ``<root>s`` a list of them."""
    if wants_xml():
        made = Response(xml.dumps(data, root), status, headers, mimetype=XML)
    else:
        made = json(data, status, headers)
    made.headers["Vary"] = "Accept"
    return made


def json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer ``data`` in JSON, whatever the caller prefers."""
    return Response(orjson.dumps(data, option=_OPTIONS), status, headers, mimetype=JSON)


def nothing() -> Response:
    """Answer that it is done (204)."""
    made = Response(status=204)
    del made.headers["Content-Type"]
    return made


def problem(document: dict[str, Any], status: int) -> Response:
    """Answer a problem document (RFC 9457), in the XML of its appendix B for a caller that asked for XML."""
    if wants_xml():
        body = xml.dumps(document, "problem", item="i", namespace="urn:ietf:rfc:7807")
        made = Response(body, status, mimetype="application/problem+xml")
    else:
        made = Response(orjson.dumps(document, option=_OPTIONS), status, mimetype="application/problem+json")
    made.headers["Vary"] = "Accept"
    return made
