"""The address that a request comes from, behind proxies too."""

from ipaddress import ip_address

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
