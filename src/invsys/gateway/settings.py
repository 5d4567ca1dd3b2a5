"""The schema of the gateway's settings; ``default_config.ini`` contains their defaults."""

import os
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, validate, validates_schema

from invsys.chassis.config import settings
from invsys.chassis.config.common_settings import LogSettings, MetricsSettings, ServerSettings, secret
from invsys.gateway.auth.jwt import ALGORITHMS
from invsys.gateway.auth.permissions import TABLES, of_service, required_scopes
from invsys.gateway.rate_limit import rates

_SERVICE = re.compile(r"[a-z][a-z0-9_-]*")
# The form in which browsers send an origin: a host in lower case or an address.
_BASE_URL = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_REDIS_URL = re.compile(r"rediss?://[^/]|redis\+unix:///")
# A service with one of these names would share its scopes NAME:read and NAME:write with the inventory.
_RESERVED_NAMES = frozenset(scope.partition(":")[0] for scope in required_scopes(TABLES))
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
            elif urls and not all(map(_is_base_url, split_list(urls))):
                errors[name] = ["Each URL must be http:// or https:// with a host, an optional port and no path."]
        if errors:
            raise ValidationError(errors)


class Routes(_FreeSection):
    """Path prefixes, each with the name of the service that serves it."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors = {prefix: ["Not a path such as /api."] for prefix in data if not _PATH_PREFIX.fullmatch(prefix)}
        if errors:
            raise ValidationError(errors)


class UpstreamSettings(Schema):
    """Timeouts, size limit and secret for requests to the services."""

    connect_timeout = fields.Float(required=True, validate=validate.Range(0.01, 60))
    read_timeout = fields.Float(required=True, validate=validate.Range(0.01, 600))
    answer_timeout = fields.Float(required=True, validate=validate.Range(0.01, 3600))
    max_answer = fields.Integer(required=True, validate=validate.Range(1024, 2**40))
    secret = secret()


class ClientSettings(Schema):
    """The path of the clients file."""

    file = fields.String(required=True, validate=validate.Length(min=1))


class JwtSettings(Schema):
    """The keys, issuer, audience and claims for the validation of JSON Web Tokens."""

    keys = fields.String(required=True)
    issuer = fields.String(required=True)
    audience = fields.String(required=True)
    algorithms = fields.String(required=True)
    client = fields.String(required=True, validate=validate.Length(min=1))
    scopes = fields.String(required=True, validate=validate.Length(min=1))
    leeway = fields.Integer(required=True, validate=validate.Range(0, 600))
    refresh = fields.Integer(required=True, validate=validate.Range(1, 7 * 86400))

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if "://" in data["keys"] and not data["keys"].startswith(("http://", "https://")):
            raise ValidationError({"keys": ["Must be the path of a file or a URL with http:// or https://."]})
        unknown = set(data["algorithms"].split()) - set(ALGORITHMS)
        if unknown or not data["algorithms"].split():
            raise ValidationError(
                {"algorithms": [f"Must be one or more of {', '.join(ALGORITHMS)}, separated by spaces."]}
            )
        missing = [name for name in ("issuer", "audience") if data["keys"] and not data[name]]
        if missing:
            raise ValidationError({name: ["Required if [jwt] keys is set."] for name in missing})


def _rate(text: str) -> None:
    try:
        rates.parse(text)
    except ValueError as error:
        raise ValidationError("Not a rate such as 50/second.") from error


def _storage(text: str) -> None:
    if not (text == "memory://" or _REDIS_URL.match(text)) or not _has_usable_port(text):
        raise ValidationError("Must be memory:// or a Redis URL.")


class LimitSettings(Schema):
    """Rate, concurrency and size limits."""

    rate = fields.String(required=True, validate=_rate)
    write_rate = fields.String(required=True, validate=_rate)
    anonymous = fields.String(required=True, validate=_rate)
    page = fields.String(required=True, validate=_rate)
    concurrent = fields.Integer(required=True, validate=validate.Range(1, 10_000))
    max_body = fields.Integer(required=True, validate=validate.Range(1024, 16 * 1024 * 1024))
    storage = fields.String(required=True, validate=_storage)


def _origins(text: str) -> None:
    if not all(map(_is_base_url, split_list(text))):
        raise ValidationError("Each must be an origin such as https://staff.example, exactly as browsers send it.")


class CorsSettings(Schema):
    """Origins of pages that may send cross-origin requests."""

    origins = fields.String(required=True, validate=_origins)


class GatewaySettings(Schema):
    """All sections of the gateway's settings."""

    server = fields.Nested(ServerSettings, required=True)
    services = fields.Nested(Services, required=True)
    routes = fields.Nested(Routes, required=True)
    upstream = fields.Nested(UpstreamSettings, required=True)
    clients = fields.Nested(ClientSettings, required=True)
    jwt = fields.Nested(JwtSettings, required=True)
    limits = fields.Nested(LimitSettings, required=True)
    cors = fields.Nested(CorsSettings, required=True)
    log = fields.Nested(LogSettings, required=True)
    metrics = fields.Nested(MetricsSettings, required=True)

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        routes, services = data["routes"].items(), data["services"]
        errors = {
            prefix: [f"Service {service} does not exist."] for prefix, service in routes if service not in services
        } or {
            prefix: [f"Service {service} has no path with this prefix."]
            for prefix, service in routes
            if not _has_paths_below(prefix, service)
        }
        if errors:
            raise ValidationError({"routes": errors})


def _has_paths_below(prefix: str, service: str) -> bool:
    paths = (permission.path for permission in of_service(service, prefix))
    return any(f"{path}/".startswith(f"{prefix.rstrip('/')}/") for path in paths)


def split_list(text: str) -> list[str]:
    """Split a list separated by commas; empty items are dropped."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _is_base_url(url: str) -> bool:
    return _BASE_URL.fullmatch(url) is not None and _has_usable_port(url)


def _has_usable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Load the settings from the defaults, the file and the environment.

    Raises ``invsys.chassis.config.settings.SettingsError``.
    """
    default = resources.files("invsys.gateway") / "default_config.ini"
    return settings.load(GatewaySettings(), default, "gateway", environ, file)
