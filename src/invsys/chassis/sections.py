"""The sections of settings that every service has."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from invsys.chassis import allowed_hosts, proxies

_SECRET = re.compile(r"(?:[!-~]{16,255})?\Z")


class Networks(fields.String):
    """IP addresses and networks, with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs)
        try:
            proxies.networks(words)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error
        return words


class HostNames(fields.String):
    """Names and addresses of hosts without a port, with commas between, or ``*``."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs)
        try:
            allowed_hosts.names(words)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error
        return words


def secret() -> fields.String:
    """Return a field for a secret that two services share; it may be empty."""
    rule = validate.Regexp(_SECRET, error="Not 16 to 255 visible ASCII characters.")
    return fields.String(required=True, validate=rule)


class ServerSettings(Schema):
    """Where and how the production server listens."""

    host = fields.String(required=True, validate=validate.Length(min=1))
    port = fields.Integer(required=True, validate=validate.Range(1, 65535))
    workers = fields.Integer(required=True, validate=validate.Range(1, 256))
    threads = fields.Integer(required=True, validate=validate.Range(1, 256))
    graceful_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    body_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    trusted_proxies = Networks(required=True)
    allowed_hosts = HostNames(required=True)


class BackendServerSettings(ServerSettings):
    """The same for a service behind a gateway."""

    gateway_secret = secret()


class MetricsSettings(Schema):
    """Who may read the metrics."""

    allow = Networks(required=True)


class LogSettings(Schema):
    """What is logged, and where."""

    level = fields.String(required=True, validate=validate.OneOf(["debug", "info", "warning", "error"]))
    file = fields.String(required=True)
