"""The address that a request comes from, behind proxies too."""

from ipaddress import ip_address, ip_network

from flask import request

from invsys.chassis import proxies


def current() -> str:
    """Give the caller's address: the last that a trusted proxy names in ``X-Forwarded-For``, else whoever connected."""
    named = request.environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    if named and proxies.is_trusted():
        try:
            return str(ip_address(named))
        except ValueError:
            pass
    return request.remote_addr or "local"


def counted() -> str:
    """Give what requests are counted by: the caller's address, of IPv6 the network that one subscriber has."""
    try:
        found = ip_address(current())
    except ValueError:
        return "local"
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
