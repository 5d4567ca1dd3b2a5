"""The settings of both connections; invalid arguments of a client raise an error that begins with their names."""

from __future__ import annotations

import ipaddress
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from invsys_client.options import CallOptions
from invsys_client.transport.retries import Limits
from invsys_client.version import __version__

# Calls have arguments for the first two; a header of the caller would switch their checks off. The others frame a body.
_RESERVED = frozenset({"idempotency-key", "if-match", "content-length", "transfer-encoding"})
# RFC 9110, 5.6.2.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What both connections have in common: the limits, the clock and the headers of every request."""

    base_url: str
    limits: Limits
    clock: Callable[[], float]
    headers: Mapping[str, str]

    @classmethod
    def create(
        cls,
        base_url: str,
        limits: Limits,
        clock: Callable[[], float],
        token: str | None,
        headers: Mapping[str, str] | None,
    ) -> Settings:
        """Check the arguments of a client; raises ValueError, TypeError."""
        default = {
            "Accept": "application/json",
            "User-Agent": f"invsys-client/{__version__} python/{platform.python_version()}",
        }
        if token is not None:
            default["Authorization"] = f"Bearer {_token(token)}"
        all_headers = httpx2.Headers(default)
        all_headers.update(own_headers(headers))
        require_callable("clock", clock)
        return cls(_base_url(base_url), limits, clock, all_headers)

    def http(self) -> dict[str, Any]:
        """Return the arguments of httpx2's clients. They ignore the environment, for example its proxies."""
        return {"base_url": self.base_url, "headers": self.headers, "trust_env": False}

    def limits_of(self, options: CallOptions) -> Limits:
        """Return the limits of a call; raises ValueError."""
        timeout, deadline = options.get("timeout"), options.get("deadline")
        if timeout is None and deadline is None:
            return self.limits
        default = self.limits
        return replace(
            default,
            timeout=default.timeout if timeout is None else timeout,
            deadline=default.deadline if deadline is None else deadline,
        )


def own_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of the caller; raises ValueError or TypeError for those that cannot be sent."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError("headers: it is not a mapping of names to values")
    for name in headers:
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"headers: {name!r} is not the name of a header")
        if name.lower() in _RESERVED:
            raise ValueError(f"headers: the client itself sends {name}, for example for the argument key or if_match")
    return {name: _visible(f"headers[{name!r}]", value) for name, value in headers.items()}


def require_callable(argument: str, value: object) -> None:
    """Raise TypeError for an argument that is no function."""
    if not callable(value):
        raise TypeError(f"{argument}: {value!r} is not callable")


def require_transport(transport: object, kind: type) -> None:
    """Raise TypeError for a transport that is not of this kind; None is httpx2's own one."""
    if transport is not None and not isinstance(transport, kind):
        raise TypeError(f"transport: {transport!r} is not an httpx2.{kind.__name__}")


def _base_url(value: object) -> str:
    """Return the URL of the service. The error does not show it, because it may contain a password."""
    if not isinstance(value, str):
        raise TypeError("base_url: it is not a string")
    try:
        url = httpx2.URL(value)
    except httpx2.InvalidURL as error:
        raise ValueError(f"base_url: {error}") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("base_url: it is not an http or https URL")
    if not _is_host(url.raw_host.decode("ascii")) or (url.port is not None and not 0 < url.port < 65536):
        raise ValueError("base_url: it has no valid host and port")
    if url.userinfo or "?" in value or "#" in value:
        raise ValueError("base_url: it has a user, a query or a fragment; pass a key or token as the argument token")
    return value


def _is_host(host: str) -> bool:
    try:
        return bool(_HOST.fullmatch(host) or ipaddress.ip_address(host))
    except ValueError:
        return False


def _token(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("token: it is not a string")
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError("token: it must consist of printable ASCII characters, without blanks")
    return value


def _visible(argument: str, value: object) -> str:
    """Return a value of a header; raises ValueError, without the value, if a header cannot contain it."""
    if not isinstance(value, str):
        raise TypeError(f"{argument}: it is not a string")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(f"{argument}: it must consist of printable ASCII characters")
    return value
