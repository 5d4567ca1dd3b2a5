"""Trusted proxies: the addresses from which a header about somebody else is believed."""

import functools
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import current_app, request

# The loopback addresses.
LOOPBACK = "127.0.0.0/8, ::1"

# Some proxies add the port of the connection: 203.0.113.5:4711, [2001:db8::1]:443. Others only add the brackets.
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\]|([0-9.]+))(?::[0-9]{1,5})?")


def networks(words: str) -> list[IPv4Network | IPv6Network]:
    """Read addresses and networks with commas between; raises ValueError."""
    return [ip_network(word.strip()) for word in words.split(",") if word.strip()]


def is_trusted() -> bool:
    """Say whether the request at hand comes from one of ``[server] trusted_proxies``."""
    return _is_among(request.remote_addr, current_app.config.get("TRUSTED_PROXIES", ""))


def address(text: str | None) -> IPv4Address | IPv6Address | None:
    """Read an address; None where it is none, as that of a Unix socket."""
    try:
        found = ip_address(text or "")
    except ValueError:
        return None
    # A socket that listens for both families writes an address of IPv4 as one of IPv6.
    return getattr(found, "ipv4_mapped", None) or found


def forwarded_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an entry of ``X-Forwarded-For``: an address, maybe with a port; None if it is neither."""
    parts = _WITH_PORT.fullmatch(text.strip())
    return address(parts[1] or parts[2]) if parts else address(text.strip())


@functools.lru_cache
def _is_among(text: str | None, trusted: str) -> bool:
    found = address(text)
    return found is not None and any(found in network for network in networks(trusted))
