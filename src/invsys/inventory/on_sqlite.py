"""SQLite: WAL, BEGIN IMMEDIATE for every write, synchronous=FULL, foreign keys on."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event


def options(database: dict[str, Any]) -> dict[str, Any]:
    """Give the engine's options for the settings' section."""
    return {"connect_args": {"timeout": database["statement_timeout"]}}


def prepare(engine: Engine, database: dict[str, Any], *, single: bool) -> None:
    """Have every connection begin as the promise needs it, and every transaction too where it is not ``single``."""
    milliseconds = database["statement_timeout"] * 1000

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver would open transactions at moments of its own choice; ``begin`` does it instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={milliseconds}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    if single:
        return

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can find its snapshot overtaken: a write locks at once.
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def is_busy(error: BaseException | None) -> bool:
    """Say whether another writer held the lock for longer than the setting allows to wait."""
    # The primary result code is the low byte of the extended one (sqlite.org/rescode.html).
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )
