"""The sections of settings that every service has."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate

from invsys.chassis.access import allowed_hosts, proxies

_SECRET = re.compile(r"(?:[!-~]{16,255})?\Z")


class _Words(fields.String):
    """Words with commas between, kept as text once ``read`` has accepted them; ``read`` raises ValueError."""

    read: ClassVar[Callable[[str], object]]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs)
        try:
            type(self).read(words)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error
        return words


class Networks(_Words):
    """IP addresses and networks, with commas between."""

    read = proxies.networks


class HostNames(_Words):
    """Names and addresses of hosts without a port, with commas between, or ``*``."""

    read = allowed_hosts.names


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
