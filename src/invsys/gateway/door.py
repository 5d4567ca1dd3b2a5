"""The way of every request: a plain path, a known client, not too many, allowed, passed on."""

from collections.abc import Mapping

from flask import Flask, Response, g, request
from werkzeug.routing import BaseConverter

from invsys.chassis import identifiers
from invsys.gateway import permissions, targets
from invsys.gateway.authentication import Authentication
from invsys.gateway.clients import Client
from invsys.gateway.errors import Unauthenticated
from invsys.gateway.forwarding import Forwarding
from invsys.gateway.limits import Limits
from invsys.gateway.permissions import Line


class _Collection(BaseConverter):
    regex = "[a-z][a-z0-9_-]*"


class _Id(BaseConverter):
    regex = identifiers.FORM


class Door:
    """Lets through what the table of permissions names, in three steps: who is it, is it known, may it do this."""

    def __init__(self, authentication: Authentication, limits: Limits, forwarding: Forwarding) -> None:
        self._authentication = authentication
        self._limits = limits
        self._forwarding = forwarding
        # By Flask's endpoint, and by method.
        self._lines: dict[str, dict[str, Line]] = {}

    def register(self, app: Flask, routes: Mapping[str, str]) -> None:
        """Put the routes of every service into ``app``; ``routes`` maps the beginnings of paths to services."""
        app.url_map.converters.update(collection=_Collection, id=_Id)
        app.before_request(self._identify)
        # Whoever is refused has been counted before.
        self._limits.register(app)
        app.before_request(self._admit)
        for prefix, service in routes.items():
            for line in permissions.lines(service, prefix):
                if routes[_longest(line.path, routes)] == service:
                    self._add(app, service, line)

    def _add(self, app: Flask, service: str, line: Line) -> None:
        endpoint = line.path.replace(".", "_")  # a dot would begin the name of a blueprint
        if endpoint not in self._lines:
            self._lines[endpoint] = {}
            app.endpoint(endpoint)(lambda collection=None, **_: self._pass_on(service, collection))
        self._lines[endpoint].update(dict.fromkeys(line.methods.split(), line))
        app.add_url_rule(line.path, endpoint, methods=line.methods.split())

    def _line(self) -> Line | None:
        """Give the table's line for the request at hand; None where there is none."""
        method = "GET" if request.method == "HEAD" else request.method
        return self._lines.get(request.endpoint or "", {}).get(method)

    def _identify(self) -> None:
        """Find out who asks, whatever is asked for, so that it can be counted; raises NotFound, KeysUnavailable."""
        targets.require_plain()
        g.client, g.counted, g.refusal = None, True, None
        line = self._line()
        is_ours = request.endpoint is not None and request.endpoint not in self._lines
        # OPTIONS is answered here: a browser asks it before it may say who it asks for.
        is_public = request.endpoint is not None and (request.method == "OPTIONS" or (line and line.scope is None))
        if is_ours:
            g.counted = False
        elif not is_public:
            try:
                g.client = self._authentication.require_client(page=line is not None and line.page)
            except Unauthenticated as error:
                g.refusal = error

    def _admit(self) -> None:
        """Let nobody in who was not recognised; raises Unauthenticated."""
        if g.refusal is not None:
            raise g.refusal

    def _pass_on(self, service: str, collection: str | None) -> Response:
        """Pass on what the client may; raises NotFound, Forbidden, RateLimited, and what ``Forwarding`` does."""
        client: Client | None = g.client
        line = self._line()
        assert line is not None
        if client is None:
            return self._forwarding.forward(service, None, own=False)
        own = permissions.require(client, line, collection)
        with self._limits.at_once(client):
            return self._forwarding.forward(service, client, own=own)


def _longest(path: str, routes: Mapping[str, str]) -> str:
    """Give the longest beginning of the path that is a route: ``/api`` of ``/api/events``, not of ``/apis``."""
    return max((prefix for prefix in routes if f"{path}/".startswith(f"{prefix.rstrip('/')}/")), key=len)
