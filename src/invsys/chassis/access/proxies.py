"""Trusted proxies: the addresses from which headers about the client are accepted."""

import functools
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import current_app, request

LOOPBACK = "127.0.0.0/8, ::1"

# Some proxies add the port of the connection: 203.0.113.5:4711, [2001:db8::1]:443. Others add only the brackets.
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\]|([0-9.]+))(?::[0-9]{1,5})?")


def networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Parse a comma-separated list of addresses and networks; raises ValueError."""
    return [ip_network(entry.strip()) for entry in text.split(",") if entry.strip()]


def is_trusted() -> bool:
    """Return whether the current request comes from one of ``[server] trusted_proxies``."""
    return is_trusted_address(request.remote_addr, current_app.config.get("TRUSTED_PROXIES", ""))


def address(text: str | None) -> IPv4Address | IPv6Address | None:
    """Parse an address; return None for anything else, such as the peer name of a Unix socket."""
    try:
        parsed = ip_address(text or "")
    except ValueError:
        return None
    # A dual-stack socket reports IPv4 clients as IPv4-mapped IPv6 addresses.
    return getattr(parsed, "ipv4_mapped", None) or parsed


def forwarded_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an entry of ``X-Forwarded-For``: an address with an optional port; return None for anything else."""
    parts = _WITH_PORT.fullmatch(text.strip())
    return address(parts[1] or parts[2]) if parts else address(text.strip())


def address_key() -> str:
    """Return the key for counting requests by address: the client's address, or its /64 network for IPv6.

    The client's address is the last entry of ``X-Forwarded-For`` if a trusted proxy sent it, otherwise the address of
    the connection. Without either (a Unix socket), the key is ``local``.
    """
    last_entry = request.environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2]
    client = forwarded_address(last_entry) if last_entry and is_trusted() else None
    client = client or address(request.remote_addr)
    if client is None:
        return "local"
    return str(ip_network((client, 64), strict=False)) if client.version == 6 else str(client)


@functools.lru_cache
def is_trusted_address(text: str | None, trusted: str) -> bool:
    """Return whether an address is in one of the networks; both are texts, as in ``networks``."""
    parsed = address(text)
    return parsed is not None and any(parsed in network for network in networks(trusted))
