"""Who may do what: which scope each method of each route takes. What no line of the table names is not passed on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from invsys.chassis.http.problems import NotFound
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import Forbidden

OWN = "allocations:own"


@dataclass(frozen=True)
class Permission:
    """What the methods of a route take: a scope, or None, for everybody, without a key."""

    methods: str
    path: str
    scope: str | None
    # Basic authentication is accepted as well: browsers and calendar programs cannot send a Bearer header.
    basic: bool = False
    # Any path below the route.
    is_any: bool = False
    # An OpenAPI document, to be completed.
    document: bool = False


_CARS = "/api/<collection:collection>"
_CAR = f"{_CARS}/<id:vehicle>"
_ALL = f"{_CARS}/all"

# Where allocations:read or allocations:write is named, allocations:own will do for the client's own allocations.
TABLES: Mapping[str, tuple[Permission, ...]] = {
    "inventory": (
        Permission("GET", _CARS, "resources:read"),
        Permission("POST", _CARS, "resources:write"),
        Permission("GET", _CAR, "resources:read"),
        Permission("PATCH DELETE", _CAR, "resources:write"),
        Permission("GET", f"{_CAR}/availability", "resources:read"),
        Permission("GET", f"{_ALL}/availability", "resources:read"),
        Permission("GET", f"{_CARS}/gbfs/vehicle_availability.json", "resources:read", basic=True),
        Permission("GET", f"{_CAR}/allocations", "allocations:read"),
        Permission("GET", f"{_CAR}/allocations.ics", "allocations:read", basic=True),
        Permission("GET", f"{_ALL}/allocations", "allocations:read"),
        Permission("POST", f"{_CAR}/allocations", "allocations:write"),
        Permission("POST", f"{_CARS}/any/allocations", "allocations:write"),
        Permission("GET", f"{_CAR}/allocations/<id:allocation>", "allocations:read"),
        Permission("GET", f"{_ALL}/allocations/<id:allocation>", "allocations:read"),
        Permission("PATCH DELETE", f"{_CAR}/allocations/<id:allocation>", "allocations:write"),
        Permission("PATCH DELETE", f"{_ALL}/allocations/<id:allocation>", "allocations:write"),
        Permission("GET", "/api/events", "events:read"),
        Permission("GET", "/", "resources:read", basic=True),
        Permission("GET", "/static/<path:file>", None),
        Permission("GET", "/docs", None),
        Permission("GET", "/docs/", None),
        Permission("GET", "/docs/<path:page>", None),
        Permission("GET", "/api/openapi.json", None, document=True),
    ),
}


def lines(service: str, prefix: str) -> tuple[Permission, ...]:
    """Give a service's lines; one that has no table takes ``SERVICE:read`` to look and ``SERVICE:write`` to change."""
    if service in TABLES:
        return TABLES[service]
    below = prefix.rstrip("/")
    paths = dict.fromkeys((prefix, f"{below}/", f"{below}/<path:below>"))
    reading = [Permission("GET", path, f"{service}:read", is_any=True) for path in paths]
    return (*reading, *(Permission("POST PUT PATCH DELETE", path, f"{service}:write", is_any=True) for path in paths))


def scopes(services: Iterable[str]) -> set[str]:
    """Give every scope that something takes."""
    taken = {line.scope for service in services for line in lines(service, "/") if line.scope is not None}
    return taken | {OWN}


def require(client: Client, line: Permission, collection: str | None) -> bool:
    """Raise NotFound or Forbidden unless the client may; give whether it may see its own allocations only."""
    scope, grants = line.scope, client.grants
    if scope is None:
        return False
    of_allocations = scope.startswith("allocations:")
    if not grants.allow(scope, collection) and not (of_allocations and grants.allow(OWN, collection)):
        if collection is not None and not grants.know(collection):
            # What a client may not know of is not there for it.
            raise NotFound("Nothing is served at this path.")
        raise Forbidden(scope, f'Bearer error="insufficient_scope", scope="{scope}"')
    return not grants.allow(scope if of_allocations else "allocations:read", collection)
