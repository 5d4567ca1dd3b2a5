"""Checks on the origin of a request: host names, proxies, the gateway secret, the client id."""
