"""Conditional requests (RFC 9110, section 13): the ETag of an item is its version, with a suffix in XML.

A proxy that compresses responses changes their ETags: nginx makes them weak (``W/"2"``), Apache and Caddy append the
coding (``"2-gzip"``). Both forms match the ETag of this service, because the version does not depend on the coding.
"""

import re

from flask import Response, request

from invsys.chassis.http import responses

_CODING = "-(?:gzip|br|zstd)"
# An ETag that ``etag`` has returned, with the changes that proxies make. A version fits in 32 bits.
_OWN_ETAG = re.compile(rf'(?:W/)?"([1-9][0-9]{{0,8}})(?:-xml)?(?:{_CODING})?"')
_CODING_AT_END = re.compile(rf'{_CODING}"')
# RFC 9110, sections 8.8.3 and 5.6.1: a list of entity tags, whose elements may be empty. Werkzeug's parser accepts more
# than that, and reads ``"1", *`` as ``*``.
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def etag(version: int) -> str:
    """Return the ETag, with its quotes, of the representation that the current request gets."""
    return f'"{version}-xml"' if responses.wants_xml() else f'"{version}"'


def expected_versions() -> list[int] | None:
    """Return the versions that ``If-Match`` accepts, or None for any version (no header, or ``*``).

    Weak tags match as well, unlike in RFC 9110, section 13.1.1, because proxies weaken the tags of this service. A
    header that is not a list of tags matches no version.
    """
    header = request.headers.get("If-Match", "*")
    if header.strip() == "*":
        return None
    if not _TAGS.fullmatch(header):
        return []
    matches = (_OWN_ETAG.fullmatch(tag) for tag in re.findall(_TAG, header))
    return [int(match[1]) for match in matches if match]


def apply_if_none_match(response: Response) -> Response:
    """Turn the response into a 304 if ``If-None-Match`` lists its ETag."""
    # Werkzeug would also evaluate If-Match, which is meant for changes.
    environ = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    if (header := environ.get("HTTP_IF_NONE_MATCH")) is not None:
        environ["HTTP_IF_NONE_MATCH"] = _CODING_AT_END.sub('"', header)
    response.make_conditional(environ)
    return response
