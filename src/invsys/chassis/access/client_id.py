"""The client of a request (``X-Client-Id``) and its restriction to its own data (``X-Client-Sees``).

The gateway sets both headers; they are ignored unless the request comes from a trusted proxy.
"""

from flask import request
from marshmallow import ValidationError

from invsys.chassis.access import proxies
from invsys.chassis.http import headers

HEADER = "X-Client-Id"
VISIBILITY = "X-Client-Sees"
# The only valid value of the header ``VISIBILITY``: the client sees only the items that it created.
OWN = "own"


def current() -> str | None:
    """Return the client id of the current request, or None if no trusted proxy sent one.

    Raises marshmallow's ValidationError if the header is malformed.
    """
    return headers.require_visible(HEADER) if _is_trusted_header(HEADER) else None


def owner() -> str | None:
    """Return the client id of the current request if the client may see only its own items, otherwise None.

    Raises marshmallow's ValidationError if the header has a value other than ``OWN``, because ignoring it would show
    every item, or if the request has no valid client id.
    """
    if not _is_trusted_header(VISIBILITY):
        return None
    if request.headers[VISIBILITY] != OWN:
        raise ValidationError({VISIBILITY: [f"Must be {OWN!r}."]})
    if (client := current()) is None:
        raise ValidationError({VISIBILITY: [f"Requires the header {HEADER}."]})
    return client


def _is_trusted_header(header: str) -> bool:
    """Return whether the request has the header and comes from a trusted proxy."""
    return header in request.headers and proxies.is_trusted()
