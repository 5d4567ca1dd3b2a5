"""Which settings the gateway has, and what each may be; their defaults stand in ``default_config.ini``."""

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
from invsys.gateway.auth.permissions import TABLES, lines, scopes
from invsys.gateway.rate_limit import rates

_SERVICE = re.compile(r"[a-z][a-z0-9_-]*")
# As a browser writes an origin: a host of small letters, or an address.
_BASE = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_REDIS = re.compile(r"rediss?://[^/]|redis\+unix:///")
# NAME:read and NAME:write would be these of the inventory's.
_TAKEN = frozenset(scope.partition(":")[0] for scope in scopes(TABLES))
_PREFIX = re.compile(r"/|(?:/[a-z0-9_-]+)+")


class _Free(Schema):
    """A section whose keys the operator chooses; an empty value takes one out."""

    class Meta:
        unknown = INCLUDE

    @post_load
    def _without_the_removed(self, data: dict[str, str], **_: Any) -> dict[str, str]:
        return {key: value for key, value in data.items() if value}


class Services(_Free):
    """The services behind: free keys, each a name, with the base URLs of its hosts, commas between."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        faults = {}
        for name, urls in data.items():
            if not _SERVICE.fullmatch(name):
                faults[name] = ["Not usable as a service's name: small letters, digits, _ and -."]
            elif name in _TAKEN:
                faults[name] = ["Not usable as a service's name: the inventory's scopes begin with it."]
            elif urls and not all(map(_is_base, words(urls))):
                faults[name] = ["Each is http:// or https://, a host, maybe a port, and no path."]
        if faults:
            raise ValidationError(faults)


class Routes(_Free):
    """Which service answers what: free keys, each the beginning of a path, with a service's name."""

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        faults = {prefix: ["Not a path such as /api."] for prefix in data if not _PREFIX.fullmatch(prefix)}
        if faults:
            raise ValidationError(faults)


class UpstreamSettings(Schema):
    """How to ask the services, how long to wait for them, and how much to take from them."""

    connect_timeout = fields.Float(required=True, validate=validate.Range(0.01, 60))
    read_timeout = fields.Float(required=True, validate=validate.Range(0.01, 600))
    answer_timeout = fields.Float(required=True, validate=validate.Range(0.01, 3600))
    max_answer = fields.Integer(required=True, validate=validate.Range(1024, 2**40))
    secret = secret()


class ClientSettings(Schema):
    """Where the clients stand."""

    file = fields.String(required=True, validate=validate.Length(min=1))


class JwtSettings(Schema):
    """Whose tokens are believed."""

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
            raise ValidationError({"keys": ["Neither a file nor http:// or https://."]})
        unknown = set(data["algorithms"].split()) - set(ALGORITHMS)
        if unknown or not data["algorithms"].split():
            raise ValidationError({"algorithms": [f"Some of {', '.join(ALGORITHMS)}, with blanks between."]})
        missing = [name for name in ("issuer", "audience") if data["keys"] and not data[name]]
        if missing:
            raise ValidationError({name: ["Has to be said where tokens are accepted."] for name in missing})


def _rate(text: str) -> None:
    try:
        rates.read(text)
    except ValueError as error:
        raise ValidationError("Not a rate such as 50/second.") from error


def _storage(text: str) -> None:
    if not (text == "memory://" or _REDIS.match(text)) or not _has_usable_port(text):
        raise ValidationError("Neither memory:// nor a URL of Redis.")


class LimitSettings(Schema):
    """How much is too much."""

    rate = fields.String(required=True, validate=_rate)
    write_rate = fields.String(required=True, validate=_rate)
    anonymous = fields.String(required=True, validate=_rate)
    concurrent = fields.Integer(required=True, validate=validate.Range(1, 10_000))
    max_body = fields.Integer(required=True, validate=validate.Range(1024, 16 * 1024 * 1024))
    storage = fields.String(required=True, validate=_storage)


def _origins(text: str) -> None:
    if not all(map(_is_base, words(text))):
        raise ValidationError("Each is an origin such as https://staff.example, exactly as browsers send it.")


class CorsSettings(Schema):
    """Which pages of other origins may call."""

    origins = fields.String(required=True, validate=_origins)


class GatewaySettings(Schema):
    """All sections."""

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
        unknown = {
            prefix: [f"There is no service {service}."]
            for prefix, service in data["routes"].items()
            if service not in data["services"]
        } or {
            prefix: [f"Nothing of {service} begins so."]
            for prefix, service in data["routes"].items()
            if not any(f"{line.path}/".startswith(f"{prefix.rstrip('/')}/") for line in lines(service, prefix))
        }
        if unknown:
            raise ValidationError({"routes": unknown})


def words(text: str) -> list[str]:
    """Read what stands with commas between."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _is_base(url: str) -> bool:
    return _BASE.fullmatch(url) is not None and _has_usable_port(url)


def _has_usable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Read the settings in force; raises ``invsys.chassis.config.settings.SettingsError``."""
    default = resources.files("invsys.gateway") / "default_config.ini"
    return settings.load(GatewaySettings(), default, "gateway", environ, file)
