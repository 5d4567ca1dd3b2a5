"""Schemas of the settings sections that every service has."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate

from invsys.chassis.access import allowed_hosts, proxies

_SECRET = re.compile(r"(?:[!-~]{16,255})?\Z")


class _List(fields.String):
    """A comma-separated list, loaded as text after ``parse`` has accepted it; ``parse`` raises ValueError."""

    parse: ClassVar[Callable[[str], object]]

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            type(self).parse(text)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error
        return text


class Networks(_List):
    """A comma-separated list of IP addresses and networks."""

    parse = proxies.networks


class HostNames(_List):
    """A comma-separated list of host names and addresses without a port, or ``*``."""

    parse = allowed_hosts.parse_host_names


def secret() -> fields.String:
    """Return a field for a secret that two services share; it may be empty."""
    rule = validate.Regexp(_SECRET, error="Not 16 to 255 visible ASCII characters.")
    return fields.String(required=True, validate=rule)


class ServerSettings(Schema):
    """The address, the processes and threads, and the timeouts of the production server."""

    host = fields.String(required=True, validate=validate.Length(min=1))
    port = fields.Integer(required=True, validate=validate.Range(1, 65535))
    workers = fields.Integer(required=True, validate=validate.Range(1, 256))
    threads = fields.Integer(required=True, validate=validate.Range(1, 256))
    graceful_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    body_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    trusted_proxies = Networks(required=True)
    allowed_hosts = HostNames(required=True)


class BackendServerSettings(ServerSettings):
    """The server settings of a service behind a gateway."""

    gateway_secret = secret()


class MetricsSettings(Schema):
    """The addresses that may read the metrics."""

    allow = Networks(required=True)


class LogSettings(Schema):
    """The level and the file of the log."""

    level = fields.String(required=True, validate=validate.OneOf(["debug", "info", "warning", "error"]))
    file = fields.String(required=True)
