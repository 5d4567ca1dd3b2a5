"""The settings of the inventory and their validation; ``default_config.ini`` holds the defaults."""

import os
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load, validate, validates_schema
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from invsys.chassis.config import settings
from invsys.chassis.config.common_settings import BackendServerSettings, LogSettings, MetricsSettings

_COLLECTION = re.compile(r"[a-z][a-z0-9_-]{0,35}")
# Other paths directly under /api.
_RESERVED = frozenset({"events"})

# A URL with several hosts, as libpq accepts it (PostgreSQL, chapter "Connection URIs"); SQLAlchemy accepts them only in
# the query. The user and the password are matched as SQLAlchemy matches them, without backtracking: (?>...).
_SEVERAL_HOSTS = re.compile(r"(\w+(?:\+\w+)?://(?>(?:[^:/]*(?::[^@]*)?@)?))([^/?]*,[^/?]*)(.*)")
_HOST = re.compile(r"(\[[^\[\]@]+\]|[^:\[\]@]*)(?::(\d*))?")


class DatabaseUrl(fields.String):
    """The URL of a supported database: SQLite in a file, or PostgreSQL."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            url = _parse(super()._deserialize(value, attr, data, **kwargs))
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
            url = _with_usable_hosts(url.set(drivername="postgresql+psycopg"))
        else:
            raise ValidationError("The URL must begin with sqlite:// or postgresql://.")
        return url.render_as_string(hide_password=False)


class ReadUrl(DatabaseUrl):
    """The URL of standbys of PostgreSQL, each of them a host of the URL; empty: none."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if value == "":
            return ""
        url = super()._deserialize(value, attr, data, **kwargs)
        if not url.startswith("postgresql"):
            raise ValidationError("Only PostgreSQL has standbys: the URL must begin with postgresql://, or be empty.")
        return url


def _parse(text: str) -> URL:
    if (match := _SEVERAL_HOSTS.fullmatch(text)) is None:
        return make_url(text)
    prefix, hosts, suffix = match.groups()
    matches = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if not all(matches):
        raise ValueError(hosts)
    names, ports = zip(*(match.groups("") for match in matches if match), strict=True)
    query = {"host": ",".join(name.strip("[]") for name in names), "port": ",".join(port or "5432" for port in ports)}
    return make_url(prefix + suffix).update_query_dict(query)


def _with_usable_hosts(url: URL) -> URL:
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ValidationError("The hosts and the ports of the URL do not match.") from None
    return url


class DatabaseSettings(Schema):
    """The section ``[database]``."""

    url = DatabaseUrl(required=True)
    connect_timeout = fields.Integer(required=True, validate=validate.Range(1, 60))
    statement_timeout = fields.Integer(required=True, validate=validate.Range(1, 600))
    allow_unsafe_durability = fields.Boolean(required=True)
    migrate_on_install = fields.Boolean(required=True)
    read_url = ReadUrl(required=True)
    max_staleness = fields.Integer(required=True, validate=validate.Range(1, 3600))

    @validates_schema
    def _require_postgresql(self, data: dict[str, Any], **_: Any) -> None:
        if data["read_url"] and data["url"].startswith("sqlite"):
            raise ValidationError("SQLite has no standbys: leave read_url empty.", "read_url")


class ApiSettings(Schema):
    """The section ``[api]``."""

    naive_datetimes = fields.String(required=True, validate=validate.OneOf(["utc", "refuse"]))
    max_body = fields.Integer(required=True, validate=validate.Range(1024, 16 * 1024 * 1024))
    any_strategy = fields.String(required=True, validate=validate.OneOf(["random", "best_fit"]))
    best_fit_sample = fields.Integer(required=True, validate=validate.Range(1, 10_000))
    idempotency_ttl = fields.Integer(required=True, validate=validate.Range(60, 366 * 86400))
    events_ttl = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))


# Days.
MAX_KEEP = 100 * 366


class HistorySettings(Schema):
    """The section ``[history]``."""

    keep = fields.Integer(required=True, validate=validate.Range(0, MAX_KEEP))


class LimitSettings(Schema):
    """The section ``[limits]``: limits for each client; 0 means no limit."""

    held_per_client = fields.Integer(required=True, validate=validate.Range(0, 100_000))
    max_days_ahead = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))
    max_days_long = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))


class ResourceTypes(Schema):
    """The section ``[resource_types]``: each key is a collection in the URL, its value the resource_type.

    The collections are loaded sorted by name, without those whose value is empty.
    """

    class Meta:
        unknown = INCLUDE

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        errors = {}
        types = [value for value in data.values() if value]
        for collection, resource_type in data.items():
            if not _COLLECTION.fullmatch(collection) or collection in _RESERVED:
                errors[collection] = [
                    "Not a valid collection name: 1 to 36 of a-z, 0-9, - and _, the first a letter; not 'events'."
                ]
            elif len(resource_type) > 36 or not resource_type.isprintable():
                errors[collection] = ["A resource_type has 1 to 36 printable characters."]
            elif resource_type and types.count(resource_type) > 1:
                errors[collection] = ["Another collection has the same resource_type."]
        if errors:
            raise ValidationError(errors)
        if not types:
            raise ValidationError("At least one collection is needed.")

    @post_load
    def _drop_empty(self, data: dict[str, str], **_: Any) -> dict[str, str]:
        return {collection: resource_type for collection, resource_type in sorted(data.items()) if resource_type}


class InventorySettings(Schema):
    """All sections of the settings."""

    server = fields.Nested(BackendServerSettings, required=True)
    database = fields.Nested(DatabaseSettings, required=True)
    api = fields.Nested(ApiSettings, required=True)
    history = fields.Nested(HistorySettings, required=True)
    limits = fields.Nested(LimitSettings, required=True)
    log = fields.Nested(LogSettings, required=True)
    metrics = fields.Nested(MetricsSettings, required=True)
    resource_types = fields.Nested(ResourceTypes, required=True)


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Read the current settings; raises ``invsys.chassis.config.settings.SettingsError``."""
    default = resources.files("invsys.inventory") / "default_config.ini"
    return settings.load(InventorySettings(), default, "inventory", environ, file)
