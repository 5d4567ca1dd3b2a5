"""Conditional requests (RFC 9110, chapter 13): an item's version as a strong ETag, one for each representation."""

import re

from flask import Response, request

from invsys.chassis import answers

# What ``etag`` writes, without the quotes; a version fits 32 bits.
_TAG = re.compile(r"([1-9][0-9]{0,8})(?:-xml)?")


def etag(version: int) -> str:
    """Write the ETag, quotes included, of the representation that this request gets."""
    return f'"{version}-xml"' if answers.wants_xml() else f'"{version}"'


def expected_versions() -> list[int] | None:
    """Read If-Match: the versions that the caller accepts, or None for any (no header, or ``*``)."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    ours = (_TAG.fullmatch(tag or "") for tag in request.if_match.as_set())
    return [int(tag[1]) for tag in ours if tag]


def unless_known(answer: Response) -> Response:
    """Turn the answer into a 304 where If-None-Match names its ETag."""
    # Werkzeug would look at If-Match too, which is for changes.
    answer.make_conditional({name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"})
    return answer
