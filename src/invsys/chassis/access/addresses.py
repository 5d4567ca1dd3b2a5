"""The address of a caller, behind proxies too."""

from ipaddress import ip_network

from flask import request

from invsys.chassis.access import proxies


def counted() -> str:
    """Return the key that requests are counted by: the caller's address, or the /64 network of an IPv6 address.

    The caller is the last address that a trusted proxy names in ``X-Forwarded-For``, else the one that connected.
    """
    named = request.environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2]
    address = proxies.forwarded_address(named) if named and proxies.is_trusted() else None
    address = address or proxies.address(request.remote_addr)
    if address is None:
        return "local"
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
