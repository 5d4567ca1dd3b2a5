"""The sections of settings that every service has."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from invsys.chassis import proxies


class Networks(fields.String):
    """IP addresses and networks, with commas between."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        words = super()._deserialize(value, attr, data, **kwargs)
        try:
            proxies.networks(words)
        except ValueError as error:
            raise ValidationError(f"{error}.") from error
        return words


class ServerSettings(Schema):
    """Where and how the production server listens."""

    host = fields.String(required=True, validate=validate.Length(min=1))
    port = fields.Integer(required=True, validate=validate.Range(1, 65535))
    workers = fields.Integer(required=True, validate=validate.Range(1, 256))
    threads = fields.Integer(required=True, validate=validate.Range(1, 256))
    graceful_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    body_timeout = fields.Integer(required=True, validate=validate.Range(1, 3600))
    trusted_proxies = Networks(required=True)


class LogSettings(Schema):
    """What is logged, and where."""

    level = fields.String(required=True, validate=validate.OneOf(["debug", "info", "warning", "error"]))
    file = fields.String(required=True)
