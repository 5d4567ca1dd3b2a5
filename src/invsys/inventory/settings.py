"""Which settings the inventory has, and what each may be; their defaults stand in ``default_config.ini``."""

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
# Names that stand beside the collections under /api.
_RESERVED = frozenset({"events"})

# Several hosts as libpq has them (PostgreSQL, chapter "Connection URIs"); SQLAlchemy knows them in the query alone.
# What stands before them is read as SQLAlchemy does, and not in another way where that leads to no hosts (?>).
_SEVERAL_HOSTS = re.compile(r"(\w+(?:\+\w+)?://(?>(?:[^:/]*(?::[^@]*)?@)?))([^/?]*,[^/?]*)(.*)")
_HOST = re.compile(r"(\[[^\[\]@]+\]|[^:\[\]@]*)(?::(\d*))?")


class DatabaseUrl(fields.String):
    """The URL of a database that keeps the promise: SQLite in a file, or PostgreSQL."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        try:
            url = _read(super()._deserialize(value, attr, data, **kwargs))
        except (ArgumentError, ValueError):
            # Not with the reason: it may quote a part of the password.
            raise ValidationError("Not a database URL.") from None
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database == ":memory:":
                raise ValidationError("SQLite needs a file: every worker process has to see the same data.")
            if url.query:
                raise ValidationError("A URL of SQLite has no options: remove the question mark and what follows it.")
            url = url.set(drivername="sqlite", database=str(Path(url.database).absolute()))
        elif url.get_backend_name() == "postgresql":
            url = _with_usable_hosts(url.set(drivername="postgresql+psycopg"))
        else:
            raise ValidationError("Neither sqlite nor postgresql.")
        return url.render_as_string(hide_password=False)


def _read(text: str) -> URL:
    if (several := _SEVERAL_HOSTS.fullmatch(text)) is None:
        return make_url(text)
    before, hosts, after = several.groups()
    named = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if not all(named):
        raise ValueError(hosts)
    names, ports = zip(*(host.groups("") for host in named if host), strict=True)
    listed = {"host": ",".join(name.strip("[]") for name in names), "port": ",".join(port or "5432" for port in ports)}
    return make_url(before + after).update_query_dict(listed)


def _with_usable_hosts(url: URL) -> URL:
    try:
        url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ValidationError("Its hosts and ports do not go together.") from None
    return url


class DatabaseSettings(Schema):
    """Which database, and how long to wait for it."""

    url = DatabaseUrl(required=True)
    connect_timeout = fields.Integer(required=True, validate=validate.Range(1, 60))
    statement_timeout = fields.Integer(required=True, validate=validate.Range(1, 600))
    allow_unsafe_durability = fields.Boolean(required=True)
    migrate_on_install = fields.Boolean(required=True)


class ApiSettings(Schema):
    """How the API reads what callers send."""

    naive_datetimes = fields.String(required=True, validate=validate.OneOf(["utc", "refuse"]))
    max_body = fields.Integer(required=True, validate=validate.Range(1024, 16 * 1024 * 1024))
    any_strategy = fields.String(required=True, validate=validate.OneOf(["random", "best_fit"]))
    best_fit_sample = fields.Integer(required=True, validate=validate.Range(1, 10_000))
    idempotency_ttl = fields.Integer(required=True, validate=validate.Range(60, 366 * 86400))
    events_ttl = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))


class LimitSettings(Schema):
    """Limits of one client; 0 is no limit."""

    held_per_client = fields.Integer(required=True, validate=validate.Range(0, 100_000))
    max_days_ahead = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))
    max_days_long = fields.Integer(required=True, validate=validate.Range(0, 100 * 366))


class ResourceTypes(Schema):
    """The collections: free keys, each the name in the URL, with the resource_type as its value."""

    class Meta:
        unknown = INCLUDE

    @validates_schema
    def _check(self, data: dict[str, str], **_: Any) -> None:
        faults = {}
        types = [value for value in data.values() if value]
        for collection, resource_type in data.items():
            if not _COLLECTION.fullmatch(collection) or collection in _RESERVED:
                faults[collection] = ["Not usable as a collection's name in a URL."]
            elif len(resource_type) > 36 or not resource_type.isprintable():
                faults[collection] = ["A resource_type has 1 to 36 printable characters."]
            elif resource_type and types.count(resource_type) > 1:
                faults[collection] = ["Two collections of one resource_type."]
        if faults:
            raise ValidationError(faults)
        if not types:
            raise ValidationError("At least one collection is needed.")

    @post_load
    def _without_the_removed(self, data: dict[str, str], **_: Any) -> dict[str, str]:
        return {collection: resource_type for collection, resource_type in sorted(data.items()) if resource_type}


class InventorySettings(Schema):
    """All sections."""

    server = fields.Nested(BackendServerSettings, required=True)
    database = fields.Nested(DatabaseSettings, required=True)
    api = fields.Nested(ApiSettings, required=True)
    limits = fields.Nested(LimitSettings, required=True)
    log = fields.Nested(LogSettings, required=True)
    metrics = fields.Nested(MetricsSettings, required=True)
    resource_types = fields.Nested(ResourceTypes, required=True)


def load(file: str | None = None, environ: Mapping[str, str] = os.environ) -> settings.Settings:
    """Read the settings in force; raises ``invsys.chassis.config.settings.SettingsError``."""
    default = resources.files("invsys.inventory") / "default_config.ini"
    return settings.load(InventorySettings(), default, "inventory", environ, file)
