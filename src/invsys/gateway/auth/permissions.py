"""Permissions: the scope that each method of each route requires.

Requests to routes and methods that are not in the table are not forwarded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from invsys.chassis.http.problems import NotFound
from invsys.gateway.auth import scopes
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import Forbidden

# By the part of a scope before the colon: the scope that is enough for the client's own allocations and their events.
_OWN_SCOPES = {"allocations": "allocations:own", "events": "events:own"}


@dataclass(frozen=True)
class Permission:
    """The scope that the methods of a route require; None if the route is public and requires no key."""

    methods: str
    path: str
    scope: str | None
    # For public routes: the setting of the limit by address; ``page`` is for the page and its files.
    limit: str = "anonymous"
    # Also accept Basic authentication: browsers and calendar programs cannot send a Bearer header.
    basic: bool = False
    # The scope in _OWN_SCOPES, if there is one, is enough.
    accepts_own: bool = True
    # The route belongs to a service without a table and matches every path below its prefix.
    matches_any_path: bool = False
    # The response is an OpenAPI document, which the gateway extends.
    is_openapi: bool = False

    @property
    def own_scope(self) -> str | None:
        """The scope that is enough for the client's own allocations and their events, or None if there is none."""
        if self.scope is None or not self.accepts_own:
            return None
        return _OWN_SCOPES.get(self.scope.partition(":")[0])


_CARS = "/api/<collection:collection>"
_CAR = f"{_CARS}/<id:resource_id>"
_ALL = f"{_CARS}/all"

TABLES: Mapping[str, tuple[Permission, ...]] = {
    "inventory": (
        Permission("GET", _CARS, "resources:read"),
        Permission("POST", _CARS, "resources:write"),
        Permission("GET", _CAR, "resources:read"),
        Permission("PATCH DELETE", _CAR, "resources:write"),
        Permission("GET", f"{_CAR}/availability", "resources:read"),
        Permission("GET", f"{_ALL}/availability", "resources:read"),
        # The sums contain the allocations of all clients.
        Permission("GET", f"{_CARS}/utilisation", "allocations:read", accepts_own=False),
        Permission("GET", f"{_CARS}/gbfs/vehicle_availability.json", "resources:read", basic=True),
        Permission("GET", f"{_CAR}/allocations", "allocations:read"),
        Permission("GET", f"{_CAR}/allocations.ics", "allocations:read", basic=True),
        Permission("GET", f"{_ALL}/allocations", "allocations:read"),
        Permission("POST", f"{_CAR}/allocations", "allocations:write"),
        Permission("POST", f"{_CARS}/any/allocations", "allocations:write"),
        Permission("POST", f"{_ALL}/allocations/changes", "allocations:write"),
        Permission("GET", f"{_CAR}/allocations/<id:allocation_id>", "allocations:read"),
        Permission("GET", f"{_ALL}/allocations/<id:allocation_id>", "allocations:read"),
        Permission("PATCH DELETE", f"{_CAR}/allocations/<id:allocation_id>", "allocations:write"),
        Permission("PATCH DELETE", f"{_ALL}/allocations/<id:allocation_id>", "allocations:write"),
        Permission("GET", "/api/events", "events:read"),
        # A shell without data, whose scripts call the API with the user's key.
        Permission("GET", "/", None, limit="page"),
        Permission("GET", "/table", "resources:read", basic=True),
        Permission("GET", "/static/<path:filename>", None, limit="page"),
        Permission("GET", "/docs", None),
        Permission("GET", "/docs/", None),
        Permission("GET", "/docs/<path:page>", None),
        Permission("GET", "/api/openapi.json", None, is_openapi=True),
    ),
}


def of_service(service: str, prefix: str) -> tuple[Permission, ...]:
    """Return the permissions of a service that is routed under ``prefix``.

    A service without a table requires ``SERVICE:read`` for GET and ``SERVICE:write`` for all other methods.
    """
    if service in TABLES:
        return TABLES[service]
    below = prefix.rstrip("/")
    paths = dict.fromkeys((prefix, f"{below}/", f"{below}/<path:below>"))
    methods = {"GET": "read", "POST PUT PATCH DELETE": "write"}
    return tuple(
        Permission(names, path, f"{service}:{access}", matches_any_path=True)
        for names, access in methods.items()
        for path in paths
    )


def required_scopes(services: Iterable[str]) -> set[str]:
    """Return every scope that some route of the services requires or accepts."""
    permissions = [permission for service in services for permission in of_service(service, "/")]
    names = {scope for permission in permissions for scope in (permission.scope, permission.own_scope)}
    return {scope for scope in names if scope is not None}


def check_permission(client: Client, permission: Permission, collection: str | None, fleet: str | None) -> bool:
    """Return whether the client is restricted to its own allocations, or to their events.

    ``client`` has the scopes that apply to the fleet (``Client.in_fleet``). Raises NotFound or Forbidden if it lacks
    the permission.
    """
    scope, grants = permission.scope, client.grants
    if scope is None:
        return False
    own_scope = permission.own_scope
    if not grants.allow(scope, collection) and not (own_scope is not None and grants.allow(own_scope, collection)):
        if collection is not None and not grants.include(collection):
            # A client without any scope in a collection must not learn whether the collection exists.
            raise NotFound("Nothing is served at this path.")
        required = scopes.name_in_fleet(scope, collection, fleet)
        raise Forbidden(required, f'Bearer error="insufficient_scope", scope="{required}"')
    return not grants.allow("allocations:read" if own_scope is None else scope, collection)
