"""How the service talks to its database, and when it refuses to.

PostgreSQL: one statement, one round trip (autocommit). SQLite: WAL, BEGIN IMMEDIATE for every write, synchronous=FULL.
Both: every connection is bounded in time, and one that could lose an acknowledged write is refused.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Connection, Engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.chassis.settings import Settings
from invsys.inventory.errors import Busy, DatabaseUnavailable, UnfitDatabase
from invsys.inventory.models import db

logger = logging.getLogger("invsys.inventory")

MIGRATIONS = Path(__file__).parent / "migrations"

# SQLSTATEs (PostgreSQL, appendix A) of a server that is there, but has too much to do for this statement.
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})


def configure(app: Flask, settings: Settings) -> None:
    """Set up the engine of ``app``; connects to nothing yet."""
    database = settings["database"]
    app.config["SQLALCHEMY_DATABASE_URI"] = database["url"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _engine_options(settings)
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite(database["statement_timeout"]))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql(database))


def _engine_options(settings: Settings) -> dict[str, Any]:
    database = settings["database"]
    pool = {"pool_size": settings["server"]["threads"], "max_overflow": 2, "pool_timeout": database["connect_timeout"]}
    if make_url(database["url"]).get_backend_name() == "sqlite":
        return {**pool, "connect_args": {"timeout": database["statement_timeout"]}}
    seconds = database["connect_timeout"]
    waiting = {
        "connect_timeout": seconds,
        # A host that vanished says nothing: these let the kernel notice within the same time.
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": 1,
        "keepalives_interval": 1,
        "keepalives_count": seconds,
    }
    return {
        **pool,
        "connect_args": waiting,
        "use_native_hstore": False,
        "skip_autocommit_rollback": True,
    }


def _prepare_sqlite(timeout: int) -> Callable[[sqlite3.Connection, Any], None]:
    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        # The driver would open transactions at moments of its own choice; ``_begin_sqlite`` does it instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={timeout * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    return prepare


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can find its snapshot overtaken; a write takes the lock at once.
    only_reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _prepare_postgresql(database: dict[str, Any]) -> Callable[[Any, Any], None]:
    milliseconds = str(database["statement_timeout"] * 1000)

    def prepare(connection: Any, record: Any) -> None:
        # Settings and questions in one round trip; committed, as a rollback would take the settings back.
        fsync, synchronous_commit, *_ = connection.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " set_config('statement_timeout', %s, false), set_config('TimeZone', 'UTC', false)",
            [milliseconds],
        ).fetchone()
        connection.commit()
        if "off" in (fsync, synchronous_commit) and not database["allow_unsafe_durability"]:
            raise UnfitDatabase(
                f"PostgreSQL runs with fsync={fsync} and synchronous_commit={synchronous_commit}: it may forget what it"
                " has acknowledged. Switch both on, or set [database] allow_unsafe_durability = yes."
            )

    return prepare


@contextmanager
def read() -> Iterator[Connection]:
    """Give a connection to ask single questions with."""
    with _translated(), _autocommitting().connect() as connection:
        yield connection


@contextmanager
def write() -> Iterator[Connection]:
    """Give a connection for one writing statement: one round trip on PostgreSQL, BEGIN IMMEDIATE on SQLite."""
    engine = db.engine
    opened = engine.begin() if engine.dialect.name == "sqlite" else _autocommitting().connect()
    with _translated(), opened as connection:
        yield connection


@contextmanager
def transaction() -> Iterator[Connection]:
    """Give a connection whose statements take effect together, or not at all."""
    with _translated(), db.engine.begin() as connection:
        yield connection


@contextmanager
def maintenance() -> Iterator[Connection]:
    """Give a connection for work that may take long: one transaction that sees one state, without a time limit."""
    engine = db.engine
    snapshot = {"only_reads": True} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with _translated(), engine.execution_options(**snapshot).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        yield connection


def _autocommitting() -> Engine:
    engine = db.engine
    if engine.dialect.name == "sqlite":
        return engine.execution_options(only_reads=True)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn a fault of the database into the Problem that tells the caller to come again."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy("Every connection to the database is in use.") from error
    except IntegrityError:
        raise
    except DBAPIError as error:
        if _is_busy(error):
            raise Busy("The database has too much to do.") from error
        raise DatabaseUnavailable("The database does not answer as it should.") from error


def _is_busy(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.OperationalError):
        # The primary result code is the low byte of the extended one (sqlite.org/rescode.html).
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error.orig, "sqlstate", None) in _BUSY


def newest_migration() -> str:
    """Give the revision that this version of the service was written for."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return head


def require_fit() -> None:
    """See that the database may be used; raises UnfitDatabase, or DatabaseUnavailable where it cannot be reached."""
    with read() as connection:
        found = _revision(connection)
    if found != newest_migration():
        raise UnfitDatabase(
            f"The database is at migration {found or 'none'}, this version needs {newest_migration()}:"
            " run 'invsys-manage db upgrade'."
        )


def require_fit_to_start() -> None:
    """Raise UnfitDatabase; a database that is only away is waited for while serving, with 503s."""
    try:
        require_fit()
    except UnfitDatabase:
        raise
    except DatabaseUnavailable:
        logger.warning("The database is away; starting all the same, and answering 503 until it is there.")


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
