"""Conditional requests (RFC 9110, chapter 13): an item's version as a strong ETag, one for each representation.

A proxy that compresses responses changes their ETags: nginx makes them weak (``W/"2"``), Apache and Caddy append the
coding (``"2-gzip"``). Both forms count as the ETag of this service, since the version does not depend on the coding.
"""

import re

from flask import Response, request

from invsys.chassis.http import responses

_CODING = "-(?:gzip|br|zstd)"
# What ``etag`` writes, as it comes back through proxies; a version fits 32 bits.
_OURS = re.compile(rf'(?:W/)?"([1-9][0-9]{{0,8}})(?:-xml)?(?:{_CODING})?"')
_CODING_AT_END = re.compile(rf'{_CODING}"')
# RFC 9110, 8.8.3 and 5.6.1: a list of entity tags, where elements may be empty. Werkzeug's reader takes more than that,
# and ``"1", *`` for ``*``.
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def etag(version: int) -> str:
    """Write the ETag, quotes included, of the representation that this request gets."""
    return f'"{version}-xml"' if responses.wants_xml() else f'"{version}"'


def expected_versions() -> list[int] | None:
    """Read If-Match: the versions that the caller accepts, or None for any (no header, or ``*``).

    A weak tag counts as well, unlike in RFC 9110, 13.1.1: proxies make ours weak. A header that is not a list of tags
    matches nothing.
    """
    named = request.headers.get("If-Match", "*")
    if named.strip() == "*":
        return None
    if not _TAGS.fullmatch(named):
        return []
    ours = (_OURS.fullmatch(tag) for tag in re.findall(_TAG, named))
    return [int(tag[1]) for tag in ours if tag]


def unless_known(answer: Response) -> Response:
    """Turn the answer into a 304 where If-None-Match names its ETag."""
    # Werkzeug would look at If-Match too, which is for changes.
    environ = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    if (known := environ.get("HTTP_IF_NONE_MATCH")) is not None:
        environ["HTTP_IF_NONE_MATCH"] = _CODING_AT_END.sub('"', known)
    answer.make_conditional(environ)
    return answer
