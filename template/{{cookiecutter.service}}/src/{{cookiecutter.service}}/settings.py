"""The settings of the depot and their validation; ``default_config.ini`` holds the defaults."""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from depot.chassis.config import settings
from depot.chassis.config.common_settings import BackendServerSettings, LogSettings, MetricsSettings


class DatabaseUrl(fields.String):
    """The URL of a database: SQLite in a file, or PostgreSQL."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            url = make_url(super()._deserialize(value, attr, data, **kwargs))
        except (ArgumentError, ValueError):
            # The exception's message may contain a part of the password.
            raise ValidationError("Not a database URL.") from None
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database == ":memory:":
                raise ValidationError("SQLite needs a file, because all worker processes share the data.")
            if url.query:
                raise ValidationError("A SQLite URL has no options: remove the question mark and everything after it.")
            url = url.set(drivername="sqlite", database=str(Path(url.database).absolute()))
        elif url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        else:
            raise ValidationError("The URL must begin with sqlite:// or postgresql://.")
        return url.render_as_string(hide_password=False)


class DatabaseSettings(Schema):
    """The section ``[database]``."""

    url = DatabaseUrl(required=True)
    connect_timeout = fields.Integer(required=True, validate=validate.Range(1, 60))
    statement_timeout = fields.Integer(required=True, validate=validate.Range(1, 600))
    migrate_on_install = fields.Boolean(required=True)


class ApiSettings(Schema):
    """The section ``[api]``."""

    max_body = fields.Integer(required=True, validate=validate.Range(1024, 16 * 1024 * 1024))


class DepotSettings(Schema):
    """All sections of the settings."""

    server = fields.Nested(BackendServerSettings, required=True)
    database = fields.Nested(DatabaseSettings, required=True)
    api = fields.Nested(ApiSettings, required=True)
    log = fields.Nested(LogSettings, required=True)
    metrics = fields.Nested(MetricsSettings, required=True)


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Load the current settings; raises ``depot.chassis.config.settings.SettingsError``."""
    default = resources.files("depot") / "default_config.ini"
    return settings.load(DepotSettings(), default, "depot", environ, file)
