"""``X-Client-Id``: the client in whose name a request comes, as the gateway says; nobody else is believed."""

from flask import request

from invsys.chassis import headers, proxies

HEADER = "X-Client-Id"
# With the value ``OWN``: the client may know only of what it made itself.
SEES = "X-Client-Sees"
OWN = "own"


def current() -> str | None:
    """Give the client of the request at hand, or None where no trusted proxy names one.

    Raises marshmallow's ValidationError.
    """
    return headers.visible(HEADER) if HEADER in request.headers and proxies.is_trusted() else None
