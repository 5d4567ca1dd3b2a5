"""How the service talks to its database, and when it refuses to."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from alembic import context
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from depot.chassis.config.settings import Section, Settings
from depot.db import revisions
from depot.db.models import db
from depot.db.postgresql import pooling
from depot.db.postgresql.session_settings import ENCODING, open_session
from depot.db.sqlite import file as sqlite_file
from depot.errors import DatabaseUnavailable, Overloaded, UnusableDatabase

logger = logging.getLogger("depot")

# SQLSTATEs (PostgreSQL, appendix A) of a server that is there, but has too much to do for this statement.
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})

_reported = ContextVar("reported", default=False)


def configure(app: Flask, settings: Settings) -> None:
    """Set up the engine of ``app``; connects to nothing yet."""
    database = settings["database"]
    is_sqlite = make_url(database["url"]).get_backend_name() == "sqlite"
    app.config["SQLALCHEMY_DATABASE_URI"] = database["url"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        # One for each thread; those beyond are for what runs beside requests.
        "pool_size": settings["server"]["threads"],
        "max_overflow": 2,
        "pool_timeout": database["connect_timeout"],
        "pool_pre_ping": not is_sqlite,
        "connect_args": _sqlite(database) if is_sqlite else _postgresql(database),
    }
    db.init_app(app)
    Migrate(app, db, directory=str(revisions.MIGRATIONS))
    with app.app_context():
        if is_sqlite:
            _prepare_sqlite(db.engine)
        else:
            _prepare_postgresql(db.engine, database["statement_timeout"])


def _sqlite(database: Section) -> dict[str, Any]:
    return {"timeout": database["statement_timeout"]}


def _postgresql(database: Section) -> dict[str, Any]:
    return {
        **ENCODING,
        # Of several hosts, a standby is passed by.
        "target_session_attrs": "read-write",
        "connect_timeout": database["connect_timeout"],
        # A host that vanished says nothing: this lets the kernel notice.
        "tcp_user_timeout": database["statement_timeout"] * 1000,
    }


def _prepare_sqlite(engine: Engine) -> None:
    """Have every connection begin as it should, and every transaction that writes take the lock at once."""
    file = str(engine.url.database)

    @event.listens_for(engine, "do_connect")
    def open_existing(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> sqlite3.Connection:
        return sqlite_file.connect(file, **parameters)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver would open transactions at moments of its own choice; ``begin`` does it instead.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could find its snapshot overtaken.
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _prepare_postgresql(engine: Engine, timeout: int) -> None:
    """Have every session opened with the settings that answers depend on, and no unusable one opened at all."""

    # Not at the event "connect": before that, SQLAlchemy asks questions of its own.
    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, keywords: Any) -> Any:
        def open_another() -> Any:
            return dialect.connect(*arguments, **keywords)

        connection = open_another()
        try:
            session = open_session(connection, timeout)
            pooling.require_session(connection, session.pid, open_another)
        except (UnusableDatabase, dialect.loaded_dbapi.Error):
            connection.close()
            raise
        return connection


@contextmanager
def read() -> Iterator[Session]:
    """Give the session to ask with; several questions see one state on SQLite only."""
    with _transaction(only_reads=True) as session:
        yield session


@contextmanager
def write() -> Iterator[Session]:
    """Give the session within a transaction: what is done takes effect together, or not at all.

    Raises sqlalchemy.exc.IntegrityError where a constraint refuses it, at the latest at the end.
    """
    with _transaction(only_reads=False) as session:
        yield session


@contextmanager
def _transaction(*, only_reads: bool) -> Iterator[Session]:
    with translated():
        try:
            db.session.connection(execution_options={"only_reads": only_reads})
            yield db.session()
            db.session.commit()
        finally:
            # Rolls back what was not committed, and gives the connection back.
            db.session.remove()


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
    try:
        yield
    except PoolTimeout as error:
        raise Overloaded("Every connection to the database is in use.") from error
    except IntegrityError:
        # What a constraint refuses is no outage.
        raise
    except DBAPIError as error:
        if not _reported.get():
            logger.warning("The database: %s: %s", type(error.orig).__name__, str(error.orig).strip())
        if _is_busy(error.orig):
            raise Overloaded("The database has too much to do.") from error
        raise DatabaseUnavailable("The database does not answer as it should.", _reason(error.orig)) from error


def _reason(error: BaseException | None) -> str:
    """Return for operators why the database cannot be used."""
    if db.engine.dialect.name == "sqlite":
        return sqlite_file.fault(Path(str(db.engine.url.database)), error)
    return f"The database does not answer: {str(error).strip().partition(chr(10))[0]}"


def _is_busy(error: BaseException | None) -> bool:
    # The primary result code is the low byte of the extended one (sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(error, "sqlstate", None) in _BUSY


def disconnect() -> None:
    """Close every connection, as before a fork: two processes must not speak over one."""
    db.engine.dispose()


def connect_for_migration() -> Connection:
    """Connect as Alembic's ``env.py`` does; create a missing SQLite file if the command changes the database.

    Raises OSError, ``errors.Unavailable``.
    """
    with suppress(KeyError):
        # Commands that only read have no target revision.
        context.get_revision_argument()
        if db.engine.dialect.name == "sqlite":
            sqlite_file.create(Path(str(db.engine.url.database)))
    with translated():
        return db.engine.connect()
