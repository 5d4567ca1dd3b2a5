"""The client in whose name a request comes (``X-Client-Id``), and what it may see (``X-Client-Sees``).

Both as the gateway says; nobody else is believed.
"""

from flask import request
from marshmallow import ValidationError

from invsys.chassis.access import proxies
from invsys.chassis.http import headers

HEADER = "X-Client-Id"
SEES = "X-Client-Sees"
# What ``SEES`` can say: the client may know only of what it made itself.
OWN = "own"


def current() -> str | None:
    """Give the client of the request at hand, or None where no trusted proxy names one.

    Raises marshmallow's ValidationError.
    """
    return headers.visible(HEADER) if _is_said(HEADER) else None


def owner() -> str | None:
    """Give the client of the request at hand if it may know only of what it made itself, else None.

    Raises marshmallow's ValidationError: whoever cannot be understood is not shown everything.
    """
    if not _is_said(SEES):
        return None
    if request.headers[SEES] != OWN:
        raise ValidationError({SEES: [f"Nothing but {OWN}."]})
    if (client := current()) is None:
        raise ValidationError({SEES: [f"Only together with {HEADER}."]})
    return client


def _is_said(header: str) -> bool:
    """Say whether the request has the header from somebody who is believed."""
    return header in request.headers and proxies.is_trusted()
