"""The host names that a service accepts: a request with another ``Host`` is refused with 421.

This stops DNS rebinding: an attacker's domain that resolves to this machine appears in ``Host``. A missing, malformed
or repeated ``Host`` is refused with 400 (RFC 9112, section 3.2). Requests that
``request_line`` refuses are refused here, too.
"""

import functools
import re
import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from flask import Flask, Response

from invsys.chassis.access import proxies, request_line
from invsys.chassis.config.settings import Section
from invsys.chassis.http.problems import MisdirectedRequest, Problem, status_problem
from invsys.chassis.ops import health, metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ANY = "*"

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# A name or an address as in a URL (RFC 3986, section 3.2.2), with an optional port. A comma does not match, because
# servers join repeated headers with commas.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?:\[([0-9A-Fa-f:.]{{2,45}})\]|({_LABEL}(?:\.{_LABEL})*)\.?)(?::[0-9]{{0,5}})?")
_LONGEST = 255 + len(".:65535")
# HTTP/1.0 as the development server and as granian write it.
_HTTP_1_0 = frozenset({"HTTP/1.0", "HTTP/1"})
# Replaces a ``Host`` that was not checked, because Werkzeug raises on some malformed values.
_NEUTRAL = "localhost"
# Accepted values of ``Host`` to cache. Callers choose the spelling, so the size of the cache is limited.
_MAX_CACHED = 256


def parse_host_names(text: str) -> frozenset[str]:
    """Parse a comma-separated list of host names, addresses and ``ANY``; raises ValueError."""
    return frozenset(_name(entry.strip()) for entry in text.split(",") if entry.strip())


def _name(entry: str) -> str:
    if entry == ANY:
        return entry
    try:
        return str(IPv6Address(entry))
    except ValueError:
        pass
    has_port = ":" in entry.rpartition("]")[2]
    if has_port or (name := host_name(entry)) is None:
        raise ValueError(f"{entry!r} is neither a host name or address without a port, nor {ANY}")
    return name


def host_name(host: str) -> str | None:
    """Return the name or address in a ``Host`` header, in lower case, without port, brackets or trailing dot.

    Returns None if the header is malformed.
    """
    parts = _HOST.fullmatch(host) if len(host) <= _LONGEST else None
    if parts is None:
        return None
    address, name = parts.groups()
    if address is None:
        return name.lower()
    try:
        return str(IPv6Address(address))
    except ValueError:
        return None


class AllowedHosts:
    """The names in the setting ``allowed_hosts`` of the section ``server``.

    If the setting is empty, a service that listens only on loopback accepts the names of this machine, and any other
    service accepts all names.
    """

    def __init__(self, server: Section) -> None:
        self._names = parse_host_names(server["allowed_hosts"])
        self._is_default = not self._names and is_loopback(server["host"])
        if self._is_default:
            self._names = _LOOPBACK_NAMES | {server["host"].lower().strip("[]")}
        self._is_any = not self._names or ANY in self._names
        # Accepted values, exactly as callers sent them.
        self.cached: set[str] = set()

    def require(self, host: str | None) -> None:
        """Raise MisdirectedRequest if ``Host`` is not allowed, or a 400 Problem if it is missing or malformed."""
        if host is None or (name := host_name(host)) is None:
            raise _bad_host()
        if not (self._is_any or name in self._names or (self._is_default and name in _own_names())):
            raise MisdirectedRequest("The setting [server] allowed_hosts of the service does not list this Host.")
        if len(self.cached) < _MAX_CACHED:
            self.cached.add(host)


def _bad_host() -> Problem:
    return status_problem(HTTPStatus.BAD_REQUEST)("The Host header is missing, malformed or repeated.")


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on ``host`` (a name or an address) is reachable only from this machine."""
    if address := proxies.address(host.strip("[]")):
        return address.is_loopback
    try:
        resolved = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ip_address(socket_address[0]).is_loopback for *_, socket_address in resolved)


@functools.cache
def _own_names() -> frozenset[str]:
    # Looked up only when a request needs them: getfqdn may take seconds if no DNS server responds.
    return frozenset(name.lower().removesuffix(".") for name in (socket.gethostname(), socket.getfqdn()))


def register(app: Flask, server: Section, before_refusal: Callable[[], None] = lambda: None) -> None:
    """Refuse requests to ``app`` whose ``Host`` is not allowed, or whose request line is not exact.

    The paths ``health.FOR_OPERATORS`` accept any name.

    ``server`` is the settings section. ``before_refusal`` is called before each refusal and may raise another Problem
    instead. This wraps the WSGI application, because a ``before_request`` function costs ten times as many
    function calls.
    """
    allowed = AllowedHosts(server)
    serve = app.wsgi_app

    def check(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in allowed.cached or not request_line.is_exact(environ):
            try:
                _require(allowed, environ)
                request_line.require_exact(environ)
            except Problem as problem:
                environ["HTTP_HOST"] = _NEUTRAL
                return refusal(app, environ, problem, before_refusal)(environ, start_response)
        return serve(environ, start_response)

    app.wsgi_app = check  # type: ignore[method-assign]


def _require(allowed: AllowedHosts, environ: "WSGIEnvironment") -> None:
    """Raise a Problem if the Host is not allowed.

    The paths ``health.FOR_OPERATORS`` accept any well-formed name; over HTTP/1.0, the header may be missing. For these
    paths, ``Host`` is replaced by a neutral value.
    """
    host = environ.get("HTTP_HOST")
    if environ.get("PATH_INFO") not in health.FOR_OPERATORS:
        allowed.require(host)
        return
    # Load balancers send health checks in HTTP/1.0, which does not require Host.
    if host_name(host or "") is None and (host or environ.get("SERVER_PROTOCOL") not in _HTTP_1_0):
        raise _bad_host()
    environ["HTTP_HOST"] = _NEUTRAL


def refusal(
    app: Flask, environ: "WSGIEnvironment", problem: Problem, before_refusal: Callable[[], None] = lambda: None
) -> Response:
    """Return the response with which ``app`` refuses a request before its own code runs."""
    with app.request_context(environ):
        metrics.start()
        try:
            before_refusal()
        except Problem as another:
            problem = another
        return app.finalize_request(app.handle_user_exception(problem))
