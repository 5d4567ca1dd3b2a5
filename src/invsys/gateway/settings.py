"""The schema of the gateway's settings; ``default_config.ini`` contains their defaults."""

import os
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from invsys.chassis.config import settings
from invsys.chassis.config.common_settings import LogSettings, MetricsSettings, ServerSettings, secret
from invsys.gateway.auth.jwt import ALGORITHMS
from invsys.gateway.rate_limit import rates
from invsys.gateway.upstream import route_sections
from invsys.gateway.upstream.route_sections import has_usable_port, is_base_url, split_list

_REDIS_URL = re.compile(r"rediss?://[^/]|redis\+unix:///")


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
    if not (text == "memory://" or _REDIS_URL.match(text)) or not has_usable_port(text):
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
    if not all(map(is_base_url, split_list(text))):
        raise ValidationError("Each must be an origin such as https://staff.example, exactly as browsers send it.")


class CorsSettings(Schema):
    """Origins of pages that may send cross-origin requests."""

    origins = fields.String(required=True, validate=_origins)


class GatewaySettings(Schema):
    """All sections of the gateway's settings."""

    server = fields.Nested(ServerSettings, required=True)
    services = fields.Nested(route_sections.Services, required=True)
    # Without a key by default, these sections may be missing.
    fleets = fields.Nested(route_sections.Fleets, load_default=dict)
    fleet_hosts = fields.Nested(route_sections.FleetHosts, load_default=dict)
    routes = fields.Nested(route_sections.Routes, required=True)
    upstream = fields.Nested(UpstreamSettings, required=True)
    clients = fields.Nested(ClientSettings, required=True)
    jwt = fields.Nested(JwtSettings, required=True)
    limits = fields.Nested(LimitSettings, required=True)
    cors = fields.Nested(CorsSettings, required=True)
    log = fields.Nested(LogSettings, required=True)
    metrics = fields.Nested(MetricsSettings, required=True)

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        route_sections.check(data)


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Load the settings from the defaults, the file and the environment.

    Raises ``invsys.chassis.config.settings.SettingsError``.
    """
    default = resources.files("invsys.gateway") / "default_config.ini"
    return settings.load(GatewaySettings(), default, "gateway", environ, file)
