"""``X-Client-Id``: the client in whose name a request comes, as the gateway says; nobody else is believed."""

import functools
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from flask import current_app, request

from invsys.chassis import headers

HEADER = "X-Client-Id"


def current() -> str | None:
    """Give the client of the request at hand, or None where no trusted proxy names one.

    Raises marshmallow's ValidationError.
    """
    if HEADER not in request.headers or not _is_trusted(request.remote_addr, current_app.config["TRUSTED_PROXIES"]):
        return None
    return headers.visible(HEADER)


def networks(words: str) -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks with commas between; raises ValueError."""
    return [ip_network(word.strip()) for word in words.split(",") if word.strip()]


@functools.lru_cache
def _is_trusted(address: str | None, trusted: str) -> bool:
    try:
        found = ip_address(address or "")
    except ValueError:  # a Unix socket has no address
        return False
    # A socket that listens for both families writes an address of IPv4 as one of IPv6.
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in network for network in networks(trusted))
