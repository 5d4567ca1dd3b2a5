"""The engines of an application.

Each application has two engines for its database. One runs transactions. The connections of the other stay in
autocommit and run single statements: switching a connection to autocommit for each request would cost as much as the
statement itself. On SQLite the second engine only reads.
"""

from types import ModuleType
from typing import NamedTuple

from flask import Flask, current_app
from flask_migrate import Migrate
from sqlalchemy import Engine, QueuePool, make_url

from invsys.chassis.config.settings import Settings
from invsys.chassis.formats import strict_json
from invsys.inventory.db import revisions
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import connections as postgresql
from invsys.inventory.db.sqlite import connections as sqlite

_BACKENDS: dict[str, ModuleType] = {"postgresql": postgresql, "sqlite": sqlite}

_ENGINES = "invsys.engines"
# The name of the second engine in SQLALCHEMY_BINDS.
_AUTOCOMMIT = "autocommit"


class Engines(NamedTuple):
    """An application's engines; ``backend`` is the module ``postgresql.connections`` or ``sqlite.connections``."""

    transactions: Engine
    autocommit: Engine
    backend: ModuleType
    is_sqlite: bool
    # Seconds.
    statement_timeout: int


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
        transactions, autocommit, backend, dialect == "sqlite", database["statement_timeout"]
    )


def current() -> Engines:
    """Return the engines of the current application."""
    engines: Engines = current_app.extensions[_ENGINES]
    return engines


def pool_connections() -> tuple[int, int]:
    """Return the numbers of connections of this process that are in use, and that are idle."""
    engines = current()
    pools = [pool for pool in (engines.transactions.pool, engines.autocommit.pool) if isinstance(pool, QueuePool)]
    return sum(pool.checkedout() for pool in pools), sum(pool.checkedin() for pool in pools)


def disconnect() -> None:
    """Close the idle connections, for example before a fork: two processes must not share a connection."""
    engines = current()
    engines.transactions.dispose()
    engines.autocommit.dispose()
