"""Which headers are passed on, in both directions: those that are named here, and no others.

Whatever says something of a single connection (RFC 9110, 7.6.1) or of who the caller is stays behind.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from flask import request
from marshmallow import ValidationError

from invsys.chassis.access import client_id
from invsys.chassis.http import change_count, request_id
from invsys.gateway.auth.clients import Client

# No request makes more changes than that.
_MOST_CHANGES = 10_000

_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_ASKED = (
    "Accept",
    "Accept-Language",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Range",
    "User-Agent",
)
# What pages of other origins may send and read (fetch.spec.whatwg.org, "CORS protocol").
FROM_PAGES = ("Authorization", *_ASKED, request_id.HEADER)
# As WSGI names them.
_ASKED_KEYS = [
    (name, "CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper().replace('-', '_')}") for name in _ASKED
]

# By their names in lower case, as servers write them; ``default_headers`` needs them in their usual case.
_ANSWERED = {
    name.lower(): name
    for name in (
        "Accept-Patch",
        "Accept-Ranges",
        "Allow",
        "Cache-Control",
        "Content-Disposition",
        "Content-Language",
        "Content-Range",
        "Content-Security-Policy",
        "Content-Type",
        "ETag",
        "Expires",
        "Idempotency-Replayed",
        "Last-Modified",
        "Link",
        "Location",
        "Referrer-Policy",
        "Retry-After",
        "Vary",
        "X-Content-Type-Options",
    )
}

TO_PAGES = (
    "Accept-Patch",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
    request_id.HEADER,
)


def to_service(client: Client | None, own: bool) -> dict[str, str]:
    """Give the headers of the request at hand for the service behind; ``own``: only what is the client's own.

    Who asks is said by the gateway alone (``client`` None: somebody unknown). Raises marshmallow's ValidationError for
    a header that cannot be written.
    """
    environ = request.environ
    # An empty one too: an Idempotency-Key that is none must not be left away.
    headers = {name: _checked(name, environ[key]) for name, key in _ASKED_KEYS if key in environ}
    headers[request_id.HEADER] = request_id.current()
    if client is not None:
        headers[client_id.HEADER] = client.id
        if own:
            headers[client_id.SEES] = client_id.OWN
    return headers


def to_caller(headers: Iterable[tuple[str, str]], base: str) -> list[tuple[str, str]]:
    """Give the headers of an answer for the caller; ``base`` is the URL that the caller must not learn."""
    passed = [
        (usual, _relative(value, base) if usual == "Location" else value)
        for name, value in headers
        if (usual := _ANSWERED.get(name.lower())) and value.isascii() and value.isprintable()
    ]
    return [(name, value) for name, value in passed if value is not None]


def number_of_changes(headers: Iterable[tuple[str, str]]) -> int:
    """Return the number of changes in the service's response; 1 if it is missing or malformed."""
    values = [value for name, value in headers if name.lower() == change_count.HEADER.lower()]
    if len(values) != 1 or not re.fullmatch("[0-9]{1,9}", values[0]):
        return 1
    return min(int(values[0]), _MOST_CHANGES)


def _checked(name: str, value: str) -> str:
    # RFC 9110, 5.5: visible characters, blanks and tabs, and for the sake of the past the upper half of latin-1.
    if not _FIELD_VALUE.fullmatch(value):
        raise ValidationError({name: ["Not the value of a header."]})
    return value


def _relative(url: str, base: str) -> str | None:
    """Take the service's own address out of a Location: it means the gateway's. None is for what is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.netloc or parts.netloc.lower() != urlsplit(base).netloc.lower():
        return url
    # Two slashes at its beginning would lead to another host.
    path = f"/{parts.path.lstrip('/')}"
    return urlunsplit(("", "", path, parts.query, parts.fragment))
