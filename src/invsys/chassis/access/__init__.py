"""Checks of where a request comes from: host names, proxies, the gateway, the client."""
