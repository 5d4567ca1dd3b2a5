"""The engines of an application.

Each application has two engines for its database. One runs transactions. The connections of the other stay in
autocommit and run single statements: switching a connection to autocommit for each request would cost as much as the
statement itself. On SQLite the second engine only reads. Each standby of PostgreSQL that answers reads has one more
engine.
"""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from flask import Flask, current_app
from flask_migrate import Migrate
from sqlalchemy import Engine, QueuePool, create_engine, make_url

from invsys.chassis.config.settings import Settings
from invsys.chassis.formats import strict_json
from invsys.inventory.db import revisions
from invsys.inventory.db.functions import READS_STANDBY
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import connections as postgresql
from invsys.inventory.db.sqlite import connections as sqlite

_BACKENDS: dict[str, ModuleType] = {"postgresql": postgresql, "sqlite": sqlite}

_ENGINES = "invsys.engines"
# The name of the second engine in SQLALCHEMY_BINDS.
_AUTOCOMMIT = "autocommit"

# A request waits at most this long for a connection to a standby, because the primary can answer it. This is the
# shortest time of the driver.
_STANDBY_CONNECT_SECONDS = 2


class Engines(NamedTuple):
    """An application's engines; ``backend`` is the module ``postgresql.connections`` or ``sqlite.connections``."""

    transactions: Engine
    autocommit: Engine
    backend: ModuleType
    is_sqlite: bool
    # Seconds.
    statement_timeout: int
    # The engines of the standbys by name, in autocommit.
    standbys: Mapping[str, Engine]

    def all(self) -> Iterator[Engine]:
        """Yield every engine."""
        yield from (self.transactions, self.autocommit, *self.standbys.values())


def configure(app: Flask, settings: Settings) -> None:
    """Create the engines of ``app``; no connection is opened yet."""
    database = settings["database"]
    dialect = make_url(database["url"]).get_backend_name()
    backend = _BACKENDS[dialect]
    options = {
        # One connection for each thread of the server, and two spare ones.
        "pool_size": settings["server"]["threads"],
        "max_overflow": 2,
        "pool_timeout": database["connect_timeout"],
        # Filters compare numbers by their text, so store the text that callers see.
        "json_serializer": strict_json.dumps,
        **backend.engine_options(database),
    }
    app.config["SQLALCHEMY_DATABASE_URI"] = database["url"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    app.config["SQLALCHEMY_BINDS"] = {_AUTOCOMMIT: {**options, "url": database["url"], "isolation_level": "AUTOCOMMIT"}}
    db.init_app(app)
    Migrate(app, db, directory=str(revisions.MIGRATIONS))
    with app.app_context():
        transactions, autocommit = db.engines[None], db.engines[_AUTOCOMMIT]
    backend.add_listeners(transactions, database, autocommit=False)
    backend.add_listeners(autocommit, database, autocommit=True)
    app.extensions[_ENGINES] = Engines(
        transactions,
        autocommit,
        backend,
        dialect == "sqlite",
        database["statement_timeout"],
        _standbys(database, options),
    )


def _standbys(database: dict[str, Any], options: dict[str, Any]) -> dict[str, Engine]:
    engines = {}
    for name, url in postgresql.standby_urls(database).items():
        seconds = min(database["connect_timeout"], _STANDBY_CONNECT_SECONDS)
        options = {**options, **postgresql.engine_options({**database, "url": url, "connect_timeout": seconds})}
        engines[name] = create_engine(url, isolation_level="AUTOCOMMIT", **options)
        setattr(engines[name].dialect, READS_STANDBY, True)
        postgresql.add_listeners(engines[name], database, reads_standby=True)
    return engines


def current() -> Engines:
    """Return the engines of the current application."""
    engines: Engines = current_app.extensions[_ENGINES]
    return engines


def pool_connections() -> tuple[int, int]:
    """Return the numbers of connections of this process that are in use, and that are idle."""
    pools = [engine.pool for engine in current().all() if isinstance(engine.pool, QueuePool)]
    return sum(pool.checkedout() for pool in pools), sum(pool.checkedin() for pool in pools)


def disconnect() -> None:
    """Close the idle connections, for example before a fork: two processes must not share a connection."""
    for engine in current().all():
        engine.dispose()
