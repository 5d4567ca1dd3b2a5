"""The way of every request: a plain path, a known client, not too many, allowed, passed on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from invsys.chassis import identifiers
from invsys.chassis.http.problems import NotFound
from invsys.chassis.ops import health
from invsys.gateway import openapi
from invsys.gateway.auth import permissions
from invsys.gateway.auth.authenticator import Authentication
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.permissions import Permission
from invsys.gateway.errors import Unauthenticated
from invsys.gateway.rate_limit.limits import Limits
from invsys.gateway.upstream import paths
from invsys.gateway.upstream.proxy import Forwarding


class _Collection(BaseConverter):
    regex = "[a-z][a-z0-9_-]*"


class _Id(BaseConverter):
    regex = identifiers.PATTERN


class Door:
    """Lets through what the table of permissions names, in three steps: who is it, is it known, may it do this."""

    def __init__(self, authentication: Authentication, limits: Limits, forwarding: Forwarding) -> None:
        self._authentication = authentication
        self._limits = limits
        self._forwarding = forwarding
        # By Flask's endpoint, and by method.
        self._lines: dict[str, dict[str, Permission]] = {}
        self._routes: Mapping[str, str] = {}

    def register(self, app: Flask, routes: Mapping[str, str]) -> None:
        """Put the routes of every service into ``app``; ``routes`` maps the beginnings of paths to services."""
        app.url_map.converters.update(collection=_Collection, id=_Id)
        app.before_request(self._admit)
        self._limits.register(app)
        self._routes = routes
        for prefix, service in routes.items():
            for line in permissions.lines(service, prefix):
                if self._prefix(line.path) == prefix:
                    self._add(app, prefix, line)

    def _prefix(self, path: str) -> str | None:
        """Give the longest route that the path begins with: ``/api`` of ``/api/events``, not of ``/apis``."""
        found = (prefix for prefix in self._routes if f"{path}/".startswith(f"{prefix.rstrip('/')}/"))
        return max(found, key=len, default=None)

    def _add(self, app: Flask, prefix: str, line: Permission) -> None:
        endpoint = line.path.replace(".", "_")  # a dot would begin the name of a blueprint
        if endpoint not in self._lines:
            self._lines[endpoint] = {}
            app.endpoint(endpoint)(lambda collection=None, **_: self._pass_on(prefix, collection))
        self._lines[endpoint].update(dict.fromkeys(line.methods.split(), line))
        app.add_url_rule(line.path, endpoint, methods=line.methods.split())

    def _find(self, path: str, method: str) -> Permission | None:
        """Give the table's line for any path and method; None where there is none."""
        try:
            endpoint, _ = current_app.url_map.bind("").match(path, method)
        except HTTPException:
            return None
        return self._lines.get(endpoint, {}).get(method)

    def _line(self) -> Permission | None:
        """Give the table's line for the request at hand; None where there is none."""
        method = "GET" if request.method == "HEAD" else request.method
        return self._lines.get(request.endpoint or "", {}).get(method)

    def _admit(self) -> None:
        """Let in who is known; raises Unauthenticated, RateLimited, KeysUnavailable, NotFound."""
        is_plain = paths.is_plain()
        is_known = request.endpoint is not None and is_plain
        line = self._line() if is_known else None
        g.client, g.line = None, line
        if is_known and request.endpoint not in self._lines:
            # The gateway's own.
            if request.path not in health.FOR_OPERATORS:
                self._limits.count(None)
            return
        # OPTIONS is answered here: a browser asks it before it may say who it asks for.
        if is_known and (request.method == "OPTIONS" or (line is not None and line.scope is None)):
            self._limits.count(None)
            return
        try:
            g.client = self._authentication.require_client(basic=line is not None and line.basic)
        except Unauthenticated:
            self._limits.count(None)
            raise
        self._limits.count(g.client)
        if not is_plain:
            raise NotFound("Nothing is served at this path.")

    def _pass_on(self, prefix: str, collection: str | None) -> Response:
        """Pass on what the client may; raises NotFound, Forbidden, RateLimited, and what ``Forwarding`` does."""
        client: Client | None = g.client
        line: Permission = g.line
        if line.is_any and self._prefix(request.path) != prefix:
            # A service for whatever is below / gets nothing of what is below another's route.
            raise NotFound("Nothing is served at this path.")
        service = self._routes[prefix]
        if client is None:
            answer = self._forwarding.forward(service, None, own=False)
            return openapi.completed(answer, self._find) if line.document else answer
        own = permissions.require(client, line, collection)
        leave = self._limits.enter(client)
        try:
            answer = self._forwarding.forward(service, client, own=own)
        except BaseException:
            leave()
            raise
        finally:
            # Also if the answer broke off: the changes were made.
            self._limits.count_changes(client)
        if answer.is_streamed:
            # It is still on its way. However that ends, and whoever ends it, the client is outside then.
            answer.response = _then(answer.response, leave)
            answer.call_on_close(leave)
        else:
            leave()
        return answer


def _then(pieces: Iterable[Any], leave: Callable[[], None]) -> Iterator[Any]:
    try:
        yield from pieces
    finally:
        leave()
