"""The engine of an application: its options, and the setup of each new connection and transaction."""

import sqlite3
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from sqlalchemy import Connection, Engine, event, make_url

from depot.chassis.config.settings import Section, Settings
from depot.db import revisions
from depot.db.models import db
from depot.db.postgresql import pooler_check
from depot.db.postgresql.session_settings import ENCODING, open_session
from depot.db.sqlite import file as sqlite_file
from depot.errors import UnusableDatabase


def configure(app: Flask, settings: Settings) -> None:
    """Create the engine of ``app``; no connection is opened yet."""
    database = settings["database"]
    is_sqlite = make_url(database["url"]).get_backend_name() == "sqlite"
    app.config["SQLALCHEMY_DATABASE_URI"] = database["url"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        # One connection for each thread of the server, and two spare ones.
        "pool_size": settings["server"]["threads"],
        "max_overflow": 2,
        "pool_timeout": database["connect_timeout"],
        "pool_pre_ping": not is_sqlite,
        "connect_args": _sqlite_arguments(database) if is_sqlite else _postgresql_arguments(database),
    }
    db.init_app(app)
    Migrate(app, db, directory=str(revisions.MIGRATIONS))
    with app.app_context():
        if is_sqlite:
            _add_sqlite_listeners(db.engine)
        else:
            _add_postgresql_listeners(db.engine, database["statement_timeout"])


def _sqlite_arguments(database: Section) -> dict[str, Any]:
    return {"timeout": database["statement_timeout"]}


def _postgresql_arguments(database: Section) -> dict[str, Any]:
    return {
        **ENCODING,
        # If the URL names several hosts, skip standbys.
        "target_session_attrs": "read-write",
        "connect_timeout": database["connect_timeout"],
        # The kernel closes the connection if the host no longer responds.
        "tcp_user_timeout": database["statement_timeout"] * 1000,
    }


def _add_sqlite_listeners(engine: Engine) -> None:
    """Set up each new connection, and begin each writing transaction with SQLite's lock for writers."""
    file = str(engine.url.database)

    @event.listens_for(engine, "do_connect")
    def open_existing(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> sqlite3.Connection:
        return sqlite_file.connect(file, **parameters)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver must not begin transactions implicitly, because ``begin`` does so explicitly.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail if another one wrote in between.
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _add_postgresql_listeners(engine: Engine, timeout: int) -> None:
    """Set up and check each new connection; ``timeout`` is in seconds."""

    # The event "connect" would be too late: SQLAlchemy executes queries before it.
    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, keywords: Any) -> Any:
        def open_another() -> Any:
            return dialect.connect(*arguments, **keywords)

        connection = open_another()
        try:
            session = open_session(connection, timeout)
            pooler_check.require_session_mode(connection, session.pid, open_another)
        except (UnusableDatabase, dialect.loaded_dbapi.Error):
            connection.close()
            raise
        return connection


def disconnect() -> None:
    """Close the idle connections, for example before a fork: two processes must not share a connection."""
    db.engine.dispose()
