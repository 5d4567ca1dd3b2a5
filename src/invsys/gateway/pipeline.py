"""The steps of every request: check the path, authenticate, count, check permission and concurrency, forward.

Flask routes each request first. ``_authenticate`` runs before the view; ``_forward`` is the view of all forwarded
routes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as BaseResponse

from invsys.chassis import identifiers
from invsys.chassis.access import path_prefix
from invsys.chassis.http.problems import NotFound
from invsys.chassis.ops import health
from invsys.gateway import openapi, whoami
from invsys.gateway.auth import permissions
from invsys.gateway.auth.authenticator import Authenticator
from invsys.gateway.auth.clients import Client
from invsys.gateway.auth.permissions import Permission
from invsys.gateway.errors import Unauthenticated
from invsys.gateway.rate_limit.limits import Limits
from invsys.gateway.upstream import compression, fleets, paths
from invsys.gateway.upstream.proxy import Proxy


class _Collection(BaseConverter):
    regex = "[a-z][a-z0-9_-]*"


class _Id(BaseConverter):
    regex = identifiers.PATTERN


class Pipeline:
    """Forwards the requests that the permissions table allows."""

    def __init__(self, authenticator: Authenticator, limits: Limits, proxy: Proxy) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._proxy = proxy
        # Keys: Flask's endpoint, then the method.
        self._permissions: dict[str, dict[str, Permission]] = {}
        self._routes: Mapping[str, str] = {}

    def register(self, app: Flask, routes: Mapping[str, str]) -> None:
        """Add the routes of every service to ``app``; ``routes`` maps path prefixes to service names."""
        app.url_map.converters.update(collection=_Collection, id=_Id)
        app.before_request(self._authenticate)
        self._limits.register(app)
        self._routes = routes
        for prefix, service in routes.items():
            for permission in permissions.of_service(service, prefix):
                if self._longest_prefix(permission.path) == prefix:
                    self._add_route(app, prefix, permission)

    def _longest_prefix(self, path: str) -> str | None:
        """Return the longest configured prefix of the path: ``/api`` matches ``/api/events``, but not ``/apis``."""
        matches = (prefix for prefix in self._routes if f"{path}/".startswith(f"{prefix.rstrip('/')}/"))
        return max(matches, key=len, default=None)

    def _add_route(self, app: Flask, prefix: str, permission: Permission) -> None:
        endpoint = permission.path.replace(".", "_")  # Flask would read the part before a dot as a blueprint's name
        methods = permission.methods.split()
        if endpoint not in self._permissions:
            self._permissions[endpoint] = {}
            app.endpoint(endpoint)(lambda collection=None, **_: self._forward(prefix, collection))
        self._permissions[endpoint].update(dict.fromkeys(methods, permission))
        app.add_url_rule(permission.path, endpoint, methods=methods)

    def _find_permission(self, path: str, method: str) -> Permission | None:
        """Return the permission that requests with this path and method require; None if they are not forwarded."""
        try:
            endpoint, _ = current_app.url_map.bind("").match(path, method)
        except HTTPException:
            return None
        return self._permissions.get(endpoint, {}).get(method)

    def _current_permission(self) -> Permission | None:
        """Return the permission that the current request requires; None if the table does not contain it."""
        method = "GET" if request.method == "HEAD" else request.method
        return self._permissions.get(request.endpoint or "", {}).get(method)

    def _authenticate(self) -> BaseResponse | None:
        """Authenticate the caller and count the request.

        Sets ``g.client``, None for an anonymous request, and ``g.permission``. Returns a response only for ``/FLEET``,
        a redirect to the page. Raises Unauthenticated, RateLimited, KeysUnavailable, NotFound.
        """
        is_plain = paths.is_plain()
        is_routed = request.endpoint is not None and is_plain
        permission = self._current_permission() if is_routed else None
        g.client, g.permission = None, permission
        if is_routed and request.endpoint not in self._permissions and request.endpoint != whoami.ENDPOINT:
            # A public route of the gateway itself, such as /docs/problems/...
            if request.path not in health.FOR_OPERATORS:
                self._limits.count_address()
            return None
        if fleets.is_root_without_slash():
            self._limits.count_address()
            return redirect(path_prefix.for_caller("/"), HTTPStatus.PERMANENT_REDIRECT)
        if permission is not None and permission.scope is None:
            self._limits.count_address(permission.limit)
            return None
        # The gateway itself responds to OPTIONS, because browsers send preflight requests without credentials.
        if is_routed and request.method == "OPTIONS":
            self._limits.count_address()
            return None
        try:
            g.client = self._authenticator.require_client(basic=permission is not None and permission.basic)
        except Unauthenticated:
            self._limits.count_address()
            raise
        self._limits.count_request(g.client)
        if (fleet := fleets.current()) is not None:
            g.client = g.client.in_fleet(fleet)
        if not is_plain or (fleet is not None and not g.client.grants.pairs):
            # A client without any scope in a fleet must not learn whether the fleet exists.
            raise NotFound("Nothing is served at this path.")
        return None

    def _forward(self, prefix: str, collection: str | None) -> Response:
        """Forward the request if the client has the permission.

        Raises NotFound, Forbidden, RateLimited, and the errors of ``Proxy.forward``.
        """
        client: Client | None = g.client
        permission: Permission = g.permission
        if permission.matches_any_path and self._longest_prefix(request.path) != prefix:
            # The route of a service at / also matches paths below the prefixes of other services.
            raise NotFound("Nothing is served at this path.")
        service, fleet = self._routes[prefix], fleets.current()
        self._proxy.require_service(service, fleet)
        if client is None:
            response = self._proxy.forward(service, fleet, None, owned_only=False)
            if permission.is_openapi:
                response = openapi.extend_response(response, self._find_permission)
            return compression.compress(response, is_public=True)
        owned_only = permissions.check_permission(client, permission, collection, fleet)
        release = self._limits.acquire_slot(client)
        try:
            response = self._proxy.forward(service, fleet, client, owned_only=owned_only)
            response = compression.compress(response, is_public=False)
        except BaseException:
            release()
            raise
        finally:
            # Count them even if the response was truncated: the service has made the changes.
            self._limits.count_changes(client)
        return _release_when_sent(response, release)


def _release_when_sent(response: Response, release: Callable[[], None]) -> Response:
    """Return the response, and release the concurrency slot: immediately, or when a streamed response ends.

    A streamed response also ends when the caller disconnects.
    """
    if response.is_streamed:
        response.response = _yield_then_release(response.response, release)
        response.call_on_close(release)
    else:
        release()
    return response


def _yield_then_release(chunks: Iterable[Any], release: Callable[[], None]) -> Iterator[Any]:
    try:
        yield from chunks
    finally:
        release()
