"""The host names that a service accepts: a request with another ``Host`` is refused with 421.

This stops DNS rebinding: a web page whose name was made to resolve to this machine sends that name in ``Host``. A
missing, malformed or repeated ``Host`` is a 400 (RFC 9112, 3.2).
"""

import functools
import re
import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from flask import Flask, Response

from invsys.chassis.access import proxies
from invsys.chassis.config.settings import Section
from invsys.chassis.http.problems import MisdirectedRequest, Problem, unnamed
from invsys.chassis.ops import health, metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ANY = "*"

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# A name or an address as in a URL (RFC 3986, 3.2.2), maybe with a port. Servers join repeated headers by a comma.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?:\[([0-9A-Fa-f:.]{{2,45}})\]|({_LABEL}(?:\.{_LABEL})*)\.?)(?::[0-9]{{0,5}})?")
_LONGEST = 255 + len(".:65535")
# As the development server and granian spell it.
_HTTP_1_0 = frozenset({"HTTP/1.0", "HTTP/1"})
# Replaces a ``Host`` that was not checked, because Werkzeug fails on some of them.
_NEUTRAL = "localhost"
# Spellings of ``Host`` that are remembered as allowed. Callers choose them, so their number is limited.
_MOST_REMEMBERED = 256


def names(words: str) -> frozenset[str]:
    """Return the host names and addresses in a text with commas between, and ``ANY``; raises ValueError."""
    return frozenset(_name(word.strip()) for word in words.split(",") if word.strip())


def _name(word: str) -> str:
    if word == ANY:
        return word
    try:
        return str(IPv6Address(word))
    except ValueError:
        pass
    has_port = ":" in word.rpartition("]")[2]
    if has_port or (name := name_in(word)) is None:
        raise ValueError(f"{word!r} is not the name or address of a host without a port, nor {ANY}")
    return name


def name_in(host: str) -> str | None:
    """Return the name or address in a ``Host``: in lower case, without port, brackets and one final dot.

    None if it is malformed.
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

    If the setting is empty: the names of this machine if the service listens on loopback only, otherwise all names.
    """

    def __init__(self, server: Section) -> None:
        self._names = names(server["allowed_hosts"])
        self._is_default = not self._names and is_loopback(server["host"])
        if self._is_default:
            self._names = _LOOPBACK_NAMES | {server["host"].lower().strip("[]")}
        self._is_any = not self._names or ANY in self._names
        # Exactly as callers sent them.
        self.remembered: set[str] = set()

    def require(self, host: str | None) -> None:
        """Raise MisdirectedRequest if ``Host`` is not allowed, a Problem with status 400 if missing or malformed."""
        if host is None or (name := name_in(host)) is None:
            raise _bad_host()
        if not (self._is_any or name in self._names or (self._is_default and name in _own_names())):
            raise MisdirectedRequest("The setting [server] allowed_hosts of the service does not list this Host.")
        if len(self.remembered) < _MOST_REMEMBERED:
            self.remembered.add(host)


def _bad_host() -> Problem:
    return unnamed(HTTPStatus.BAD_REQUEST)("The Host header is missing, malformed or repeated.")


def is_loopback(host: str) -> bool:
    """Return whether a server that listens at ``host``, a name or an address, is reachable from this machine only."""
    if address := proxies.address(host.strip("[]")):
        return address.is_loopback
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ip_address(where[0]).is_loopback for *_, where in found)


@functools.cache
def _own_names() -> frozenset[str]:
    # Looked up only when a request needs them: the full name may take seconds if no name server answers.
    return frozenset(name.lower().removesuffix(".") for name in (socket.gethostname(), socket.getfqdn()))


def register(app: Flask, server: Section, refusing: Callable[[], None] = lambda: None) -> None:
    """Refuse requests to ``app`` with another host name; those for ``health.FOR_OPERATORS`` may have any name.

    ``server`` is the settings' section. ``refusing`` is called before each refusal and may raise another Problem
    instead. This wraps the WSGI application: a ``before_request`` function would make ten times as many calls.
    """
    allowed = AllowedHosts(server)
    serve = app.wsgi_app

    def check(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in allowed.remembered:
            try:
                _require(allowed, environ)
            except Problem as problem:
                environ["HTTP_HOST"] = _NEUTRAL
                return _refuse(app, environ, problem, refusing)(environ, start_response)
        return serve(environ, start_response)

    app.wsgi_app = check  # type: ignore[method-assign]


def _require(allowed: AllowedHosts, environ: "WSGIEnvironment") -> None:
    """Raise a Problem if the Host is not allowed; operators may use any one name."""
    host = environ.get("HTTP_HOST")
    if environ.get("PATH_INFO") not in health.FOR_OPERATORS:
        allowed.require(host)
        return
    # Load balancers send health checks in HTTP/1.0, which needs no Host.
    if name_in(host or "") is None and (host or environ.get("SERVER_PROTOCOL") not in _HTTP_1_0):
        raise _bad_host()
    environ["HTTP_HOST"] = _NEUTRAL


def _refuse(app: Flask, environ: "WSGIEnvironment", problem: Problem, refusing: Callable[[], None]) -> Response:
    with app.request_context(environ):
        metrics.start()
        try:
            refusing()
        except Problem as another:
            problem = another
        return app.finalize_request(app.handle_user_exception(problem))
