"""Conditional requests (RFC 9110, chapter 13): an item's version as a strong ETag, one for each representation."""

import re

from flask import Response, request

from invsys.chassis import answers

# What ``etag`` writes; a version fits 32 bits.
_OURS = re.compile(r'"([1-9][0-9]{0,8})(?:-xml)?"')
# RFC 9110, 8.8.3 and 5.6.1: a list of entity tags. Werkzeug's reader takes more than that, and ``"1", *`` for ``*``.
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"[ \t]*{_TAG}(?:[ \t]*,[ \t]*{_TAG})*[ \t]*")


def etag(version: int) -> str:
    """Write the ETag, quotes included, of the representation that this request gets."""
    return f'"{version}-xml"' if answers.wants_xml() else f'"{version}"'


def expected_versions() -> list[int] | None:
    """Read If-Match: the versions that the caller accepts, or None for any (no header, or ``*``).

    A weak tag matches nothing (RFC 9110, 13.1.1), and nor does what is no list of tags.
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
    answer.make_conditional({name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"})
    return answer
