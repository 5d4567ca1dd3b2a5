"""Header allowlists: only the headers named here are forwarded, in both directions.

The lists contain neither hop-by-hop headers (RFC 9110, 7.6.1) nor headers that identify the caller.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from flask import request
from marshmallow import ValidationError

from invsys.chassis.access import client_id, path_prefix
from invsys.chassis.http import change_count, request_id
from invsys.chassis.ops import trace_context
from invsys.gateway.auth.clients import Client

# No request makes more changes than this.
_MOST_CHANGES = 10_000

# The end of the ETags of compressed responses (``compression``).
GZIP_TAG = '-gzip"'

_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_REQUEST_HEADERS = (
    "Accept",
    "Accept-Language",
    "Cache-Control",
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
# Headers that pages of other origins may send (fetch.spec.whatwg.org, "CORS protocol").
CORS_ALLOWED = ("Authorization", *_REQUEST_HEADERS, request_id.HEADER, trace_context.PARENT, trace_context.STATE)
# The same headers with their keys in the WSGI environment.
_REQUEST_KEYS = [
    (name, "CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper().replace('-', '_')}")
    for name in _REQUEST_HEADERS
]

# The services have other ETags than the compressed responses. A range of a compressed response does not exist, so
# If-Range keeps its ETag, and the service returns the whole response.
_WITH_ENTITY_TAGS = ("If-Match", "If-None-Match")

# By lower-case name: servers may use any case, but ``default_headers`` expects the canonical case.
_RESPONSE_HEADERS = {
    name.lower(): name
    for name in (
        "Accept-Patch",
        "Accept-Ranges",
        "Age",
        "Allow",
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
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
        "X-Total-Count",
    )
}

# Headers that pages of other origins may read.
CORS_EXPOSED = (
    "Accept-Patch",
    "Age",
    "Allow",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    request_id.HEADER,
    "X-Total-Count",
)


def for_service(client: Client | None, owned_only: bool) -> dict[str, str]:
    """Return the headers with which the current request is forwarded.

    The gateway alone sets the headers that identify the client (None: anonymous) and restrict it to its own allocations
    (``owned_only``). Raises marshmallow's ValidationError for a header with invalid characters.
    """
    environ = request.environ
    # Forward empty headers too: dropping an empty Idempotency-Key would hide the caller's mistake.
    headers = {name: _validated(name, environ[key]) for name, key in _REQUEST_KEYS if key in environ}
    for name in _WITH_ENTITY_TAGS:
        if name in headers:
            headers[name] = headers[name].replace(GZIP_TAG, '"')
    headers[request_id.HEADER] = request_id.current()
    if (context := trace_context.current()) is not None:
        headers |= context.headers
    if request.script_root:
        headers[path_prefix.HEADER] = request.script_root
    if client is not None:
        headers[client_id.HEADER] = client.id
        if owned_only:
            headers[client_id.VISIBILITY] = client_id.OWN
    return headers


def for_caller(headers: Iterable[tuple[str, str]], base_url: str) -> list[tuple[str, str]]:
    """Return the headers of the service's response that are forwarded to the caller.

    ``base_url`` is the service's internal URL; it is removed from ``Location``.
    """
    allowed = [
        (canonical, _relative(value, base_url) if canonical == "Location" else value)
        for name, value in headers
        if (canonical := _RESPONSE_HEADERS.get(name.lower())) and value.isascii() and value.isprintable()
    ]
    return [(name, value) for name, value in allowed if value is not None]


def number_of_changes(headers: Iterable[tuple[str, str]]) -> int:
    """Return the value of ``X-Changes``, the number of changes; 1 if the header is missing or malformed."""
    values = [value for name, value in headers if name.lower() == change_count.HEADER.lower()]
    if len(values) != 1 or not re.fullmatch("[0-9]{1,9}", values[0]):
        return 1
    return min(int(values[0]), _MOST_CHANGES)


def _validated(name: str, value: str) -> str:
    # RFC 9110, 5.5: visible ASCII characters, spaces, tabs, and the obsolete obs-text (upper half of Latin-1).
    if not _FIELD_VALUE.fullmatch(value):
        raise ValidationError({name: ["The header value contains invalid characters."]})
    return value


def _relative(url: str, base_url: str) -> str | None:
    """Return a Location without the service's own address, so that it refers to the gateway; None if it is invalid."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.netloc or parts.netloc.lower() != urlsplit(base_url).netloc.lower():
        return url
    # A path that starts with two slashes would be read as another host.
    path = f"/{parts.path.lstrip('/')}"
    return urlunsplit(("", "", path, parts.query, parts.fragment))
