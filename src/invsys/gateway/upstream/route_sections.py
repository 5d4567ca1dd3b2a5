"""The sections of the settings that name services, fleets and routes, and how they have to agree."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import INCLUDE, Schema, ValidationError, post_load, validates_schema

from invsys.chassis.access import allowed_hosts
from invsys.chassis.config.settings import Settings
from invsys.chassis.http.problems import MisdirectedRequest
from invsys.chassis.ops import health
from invsys.gateway import whoami
from invsys.gateway.auth import scopes
from invsys.gateway.auth.permissions import TABLES, of_service, required_scopes
from invsys.gateway.upstream.fleets import INVENTORY

_SERVICE = re.compile(r"[a-z][a-z0-9_-]*")
# The form in which browsers send an origin: a host in lower case or an address.
_BASE_URL = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
# A service with one of these names would share its scopes NAME:read and NAME:write with the inventory.
_RESERVED_NAMES = frozenset(scope.partition(":")[0] for scope in required_scopes(TABLES))
_FLEET = re.compile(scopes.FLEET)
# The first parts of the paths that the gateway and the inventory serve themselves.
_RESERVED_FLEETS = frozenset(
    path.split("/")[1] for path in (whoami.PATH, *health.FOR_OPERATORS, *(row.path for row in TABLES[INVENTORY]))
)
_NO_BASE_URL = "Each URL must be http:// or https:// with a host, an optional port and no path."
_PATH_PREFIX = re.compile(r"/|(?:/[a-z0-9_-]+)+")


class _FreeSection(Schema):
    """A section whose keys the operator chooses; an empty value removes a default."""

    class Meta:
        unknown = INCLUDE

    @post_load
    def _drop_removed(self, data: dict[str, str], **_: Any) -> dict[str, str]:
        return {key: value for key, value in data.items() if value}


class Services(_FreeSection):
    """Service names, each with the base URLs of its hosts, separated by commas."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors = {}
        for name, urls in data.items():
            if not _SERVICE.fullmatch(name):
                errors[name] = [
                    "A service name must start with a lower-case letter; only a-z, 0-9, _ and - are allowed."
                ]
            elif name in _RESERVED_NAMES:
                errors[name] = ["This service name is reserved: scopes of the inventory start with it."]
            elif urls and not all(map(is_base_url, split_list(urls))):
                errors[name] = [_NO_BASE_URL]
        if errors:
            raise ValidationError(errors)


class Fleets(_FreeSection):
    """Names of fleets, each with the base URLs of the hosts of its inventory, separated by commas."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors = {}
        for name, urls in data.items():
            if not _FLEET.fullmatch(name):
                errors[name] = ["A fleet name has up to 63 of a-z, 0-9 and -, and does not start with -."]
            elif name in _RESERVED_FLEETS:
                errors[name] = [f"This fleet name is reserved: the gateway serves /{name} itself."]
            elif urls and not all(map(is_base_url, split_list(urls))):
                errors[name] = [_NO_BASE_URL]
        if errors:
            raise ValidationError(errors)


class FleetHosts(_FreeSection):
    """Names of fleets, each with the host names that select it, separated by commas."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors: dict[str, list[str]] = {}
        seen: dict[str, str] = {}
        for fleet, hosts in sorted(data.items()):
            for host in split_list(hosts):
                if (name := allowed_hosts.host_name(host)) is None or name != host.lower().removesuffix("."):
                    errors[fleet] = [f"{host} is not a host name without a port."]
                elif seen.setdefault(name, fleet) != fleet:
                    errors[fleet] = [f"{host} already selects the fleet {seen[name]}."]
        if errors:
            raise ValidationError(errors)


class Routes(_FreeSection):
    """Path prefixes, each with the name of the service that serves it."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors = {prefix: ["Not a path such as /api."] for prefix in data if not _PATH_PREFIX.fullmatch(prefix)}
        if errors:
            raise ValidationError(errors)


def check(data: Mapping[str, Any]) -> None:
    """Raise ValidationError if the sections of all settings do not agree."""
    routes, services = data["routes"].items(), set(data["services"])
    if data["fleets"]:
        # Without an inventory of no fleet, only the fleets have these paths.
        services.add(INVENTORY)
    errors = {
        prefix: [f"Service {service} does not exist."] for prefix, service in routes if service not in services
    } or {
        prefix: [f"Service {service} has no path with this prefix."]
        for prefix, service in routes
        if not _has_paths_below(prefix, service)
    }
    if errors:
        raise ValidationError({"routes": errors})
    _check_fleets(data)


def _check_fleets(data: Mapping[str, Any]) -> None:
    """Raise ValidationError for a fleet that a route hides, and for hosts of no fleet or that are not accepted."""
    for prefix in data["routes"]:
        if (fleet := prefix.split("/")[1]) in data["fleets"]:
            raise ValidationError({"fleets": {fleet: [f"[routes] {prefix} has the paths of this fleet."]}})
    accepted = allowed_hosts.AllowedHosts(data["server"])
    for fleet, hosts in data["fleet_hosts"].items():
        if fleet not in data["fleets"]:
            raise ValidationError({"fleet_hosts": {fleet: [f"Fleet {fleet} does not exist."]}})
        for host in split_list(hosts):
            try:
                accepted.require(host)
            except MisdirectedRequest as error:
                raise ValidationError({"fleet_hosts": {fleet: [f"Add {host} to [server] allowed_hosts."]}}) from error


def fleets_by_host(config: Settings) -> dict[str, str]:
    """Return the fleet of each host name in ``[fleet_hosts]``, in the form of ``allowed_hosts.host_name``."""
    names = (
        (allowed_hosts.host_name(host), fleet)
        for fleet, text in config["fleet_hosts"].items()
        for host in split_list(text)
    )
    return {name: fleet for name, fleet in names if name is not None}


def _has_paths_below(prefix: str, service: str) -> bool:
    paths = (permission.path for permission in of_service(service, prefix))
    return any(f"{path}/".startswith(f"{prefix.rstrip('/')}/") for path in paths)


def split_list(text: str) -> list[str]:
    """Split a list separated by commas; empty items are dropped."""
    return [word.strip() for word in text.split(",") if word.strip()]


def is_base_url(url: str) -> bool:
    """Return whether the text is a scheme, a host and an optional port, without a path."""
    return _BASE_URL.fullmatch(url) is not None and has_usable_port(url)


def has_usable_port(url: str) -> bool:
    """Return whether the port of a URL, if there is one, is a number that a server can have."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
