"""The client in whose name a request comes (``X-Client-Id``), and what it may see (``X-Client-Sees``).

Both as the gateway says; nobody else is believed.
"""

import functools
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from flask import current_app, request
from marshmallow import ValidationError

from invsys.chassis import headers

HEADER = "X-Client-Id"
SEES = "X-Client-Sees"
_ITS_OWN = "own"


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
    if request.headers[SEES] != _ITS_OWN:
        raise ValidationError({SEES: [f"Nothing but {_ITS_OWN}."]})
    if (client := current()) is None:
        raise ValidationError({SEES: [f"Only together with {HEADER}."]})
    return client


def networks(words: str) -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks with commas between; raises ValueError."""
    return [ip_network(word.strip()) for word in words.split(",") if word.strip()]


def _is_said(header: str) -> bool:
    """Say whether the request has the header from somebody who is believed."""
    return header in request.headers and _is_trusted(request.remote_addr, current_app.config["TRUSTED_PROXIES"])


@functools.lru_cache
def _is_trusted(address: str | None, trusted: str) -> bool:
    try:
        found = ip_address(address or "")
    except ValueError:  # a Unix socket has no address
        return False
    # A socket that listens for both families writes an address of IPv4 as one of IPv6.
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in networks(trusted))
