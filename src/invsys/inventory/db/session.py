"""How the service talks to its database, and when it refuses to.

``on_postgresql`` and ``on_sqlite`` prepare the connections of each; here are the ways to use one, and what its faults
mean for a caller.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from alembic import context
from flask import Flask, current_app
from flask_migrate import Migrate
from sqlalchemy import Connection, make_url, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.chassis.config.settings import Settings
from invsys.chassis.formats import strict_json
from invsys.chassis.http.problems import Unavailable
from invsys.inventory.db import revisions
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import Row, db
from invsys.inventory.db.outbox import OutboxChange
from invsys.inventory.db.sqlite import connections as sqlite
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger("invsys.inventory")

# SQLSTATEs (PostgreSQL, appendix A) of a server that is there, but has too much to do for this statement.
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})
# Of a role, or of a transaction, that may not write.
_ONLY_READS = frozenset({"42501", "25006"})

# After a fault that took longer than this (seconds), for how long nobody is made to wait for the database.
_LONG, _PAUSE = 1.0, 1.0
_AWAY = "invsys.database_away_until"

_reported = ContextVar("reported", default=False)

# The bind whose connections are in autocommit: for single statements. Switching a connection over for each request
# would cost as much as the statement.
_AUTOCOMMIT = "single"


def configure(app: Flask, settings: Settings) -> None:
    """Set up the engines of ``app``; connects to nothing yet."""
    database = settings["database"]
    engine_of = _engine_module(make_url(database["url"]).get_backend_name())
    options = {
        # One for each thread; those beyond are for what runs beside requests.
        "pool_size": settings["server"]["threads"],
        "max_overflow": 2,
        "pool_timeout": database["connect_timeout"],
        # A number is looked for by the text that callers see.
        "json_serializer": strict_json.dumps,
        **engine_of.options(database),
    }
    app.config["STATEMENT_TIMEOUT"] = database["statement_timeout"]
    app.config["SQLALCHEMY_DATABASE_URI"] = database["url"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    app.config["SQLALCHEMY_BINDS"] = {
        _AUTOCOMMIT: {
            **options,
            "url": database["url"],
            "isolation_level": "AUTOCOMMIT",
        }
    }
    db.init_app(app)
    Migrate(app, db, directory=str(revisions.MIGRATIONS))
    with app.app_context():
        for bind, engine in db.engines.items():
            engine_of.prepare(engine, database, single=bind == _AUTOCOMMIT)


def _engine_module(dialect: str) -> ModuleType:
    if dialect == "sqlite":
        return sqlite
    # Here, as its driver is not there where only SQLite is used.
    from invsys.inventory.db.postgresql import connections as postgresql  # noqa: PLC0415

    return postgresql


@contextmanager
def read() -> Iterator[Connection]:
    """Give a connection to ask single questions with."""
    with translated(), db.engines[_AUTOCOMMIT].connect() as connection:
        yield connection


@contextmanager
def write() -> Iterator[Connection]:
    """Give a connection for one writing statement: one round trip on PostgreSQL, BEGIN IMMEDIATE on SQLite."""
    with translated(), _writing() if _is_sqlite() else db.engines[_AUTOCOMMIT].connect() as connection:
        yield connection


@contextmanager
def transaction() -> Iterator[Connection]:
    """Give a connection whose statements take effect together, or not at all."""
    with translated(), _writing() if _is_sqlite() else db.engine.begin() as connection:
        yield connection


def change(recorded: OutboxChange, values: dict[str, Any], at_least: int = 1) -> list[Row]:
    """Execute an outbox change in a transaction of its own, and return its rows.

    Return an empty list, and change nothing, if the change conflicts with an allocation or with a stored
    Idempotency-Key, or if it has fewer than ``at_least`` rows.
    """
    try:
        if at_least > 1:
            return _change_several(recorded, values, at_least)
        # On SQLite the engine for single statements only reads.
        engine = db.engine if _is_sqlite() else db.engines[_AUTOCOMMIT]
        with translated():
            rows: list[Row] = _module().change(engine, recorded, values, current_app.config["STATEMENT_TIMEOUT"])
        return rows
    except IntegrityError as error:
        if is_overlap(error) or is_known_key(error):
            return []
        raise


def _change_several(recorded: OutboxChange, values: dict[str, Any], at_least: int) -> list[Row]:
    with transaction() as connection:
        rows = recorded.run_in(connection, values)
        if len(rows) < at_least:
            connection.rollback()
            return []
        return rows


def is_overlap(error: DBAPIError) -> bool:
    """Say whether the database refused two allocations of one vehicle for the same instant."""
    return bool(_module().is_overlap(error.orig))


def is_known_key(error: DBAPIError) -> bool:
    """Say whether the database refused to do something twice under one Idempotency-Key."""
    return bool(_module().is_known_key(error.orig))


def _module() -> ModuleType:
    return _engine_module(db.engine.dialect.name)


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _writing(seconds: float | None = None) -> AbstractContextManager[Connection]:
    return sqlite.writing(db.engine, current_app.config["STATEMENT_TIMEOUT"] if seconds is None else seconds)


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Give a connection for several questions that have to see one state."""
    options = {"only_reads": True} if _is_sqlite() else {"isolation_level": "REPEATABLE READ"}
    with translated(), db.engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def maintenance() -> Iterator[Connection]:
    """Give a connection as ``snapshot`` does, for reading that may take long: without a time limit."""
    with snapshot() as connection:
        disable_timeouts(connection)
        yield connection


def disable_timeouts(connection: Connection) -> None:
    """Let the statements of this connection take as long as they need; it will be closed afterwards, not reused."""
    if connection.dialect.name == "postgresql":
        connection.connection.driver_connection.seconds = None  # type: ignore[union-attr]
        connection.detach()
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")


def in_batches(work: Callable[[Connection], int]) -> int:
    """Do work without a time limit, in transactions of their own, until there is none left; give how much it was.

    ``work`` does a portion of it, and says how much that was.
    """
    done = 0
    while True:
        with transaction() as connection:
            disable_timeouts(connection)
            portion = work(connection)
        if not portion:
            return done
        done += portion


def try_at_once(work: Callable[[Connection], int]) -> int:
    """Do work in a transaction of its own that waits for no lock; return what it returns, or 0 if it is not possible.

    For what a reader does on the side: that must not make it wait or fail. The work takes no row lock but with SKIP
    LOCKED.
    """
    try:
        with _writing(0.0) if _is_sqlite() else db.engine.begin() as connection:
            if not _is_sqlite():
                # Milliseconds; 0 would be for ever. For locks on whole tables.
                connection.exec_driver_sql("SET LOCAL lock_timeout = 1")
            return work(connection)
    except Overloaded:
        return 0
    except DBAPIError as error:
        if not (_is_busy(error) or sqlite.is_read_only(error.orig) or _sqlstate(error) in _ONLY_READS):
            logger.warning("The database: %s: %s", type(error.orig).__name__, str(error.orig).strip())
        return 0
    except (PoolTimeout, Unavailable) as error:
        logger.warning("The database: %s", error)
        return 0


@contextmanager
def faults_reported() -> Iterator[None]:
    """Do not log faults: the caller reports those that are raised, by their ``reason``."""
    token = _reported.set(True)
    try:
        yield
    finally:
        _reported.reset(token)


@contextmanager
def translated() -> Iterator[None]:
    """Turn a fault of the database into the Problem that tells the caller to come again."""
    started = time.monotonic()
    if started < current_app.extensions.get(_AWAY, 0.0):
        raise DatabaseUnavailable("The database did not answer a moment ago.")
    try:
        yield
    except PoolTimeout as error:
        raise Overloaded("Every connection to the database is in use.") from error
    except (IntegrityError, DataError):
        # A statement that the database refuses for what it says is no outage.
        raise
    except DBAPIError as error:
        if not _reported.get():
            logger.warning("The database: %s: %s", type(error.orig).__name__, str(error.orig).strip())
        if _is_busy(error):
            raise Overloaded("The database has too much to do.") from error
        if time.monotonic() - started > _LONG:
            # It hangs. Those who come now would only wait behind one another, each as long; and later ones for the
            # connections that are still open, if another server has taken its place.
            disconnect()
            current_app.extensions[_AWAY] = time.monotonic() + _PAUSE
        reason = _module().reason(db.engine, error.orig)
        raise DatabaseUnavailable("The database does not answer as it should.", reason) from error


def _is_busy(error: DBAPIError) -> bool:
    return sqlite.is_busy(error.orig) or _sqlstate(error) in _BUSY


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def disconnect() -> None:
    """Close every connection that is not in use, as before a fork: two processes must not speak over one."""
    for engine in db.engines.values():
        engine.dispose()


def now() -> datetime:
    """Return the time by the database's clock."""
    with read() as connection:
        return connection.execute(select(db_now())).scalar_one()


def connect_for_migration() -> Connection:
    """Connect as Alembic's ``env.py`` does; create a missing SQLite file if the command changes the database.

    Raises OSError, ``errors.Unavailable``.
    """
    with suppress(KeyError):
        # Commands that only read have no target revision.
        context.get_revision_argument()
        if _is_sqlite():
            sqlite_file.create(Path(str(db.engine.url.database)))
    with translated():
        return db.engine.connect()
