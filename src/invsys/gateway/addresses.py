"""The address that a request comes from, behind proxies too."""

from ipaddress import ip_network

from flask import request

from invsys.chassis import proxies


def counted() -> str:
    """Give what requests are counted by: the caller's address, of IPv6 the network that one subscriber has.

    The caller is the last that a trusted proxy names in ``X-Forwarded-For``, else whoever connected.
    """
    named = request.environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    found = proxies.address(named) if named and proxies.is_trusted() else None
    found = found or proxies.address(request.remote_addr)
    if found is None:
        return "local"
    return str(ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
