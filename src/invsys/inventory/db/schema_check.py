"""Checks that the database can be used.

It must be at the newest migration, or at one of a newer version with which this version works. No pooler may share its
connections, and at startup the SQLite file must be accessible. To be ready, it must be able to write to its disk.
"""

import logging
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from invsys.inventory.db import engine, revisions
from invsys.inventory.db.failures import translated
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import pooler_check
from invsys.inventory.db.revisions import Schema
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import DatabaseUnavailable, Overloaded, UnusableDatabase

logger = logging.getLogger("invsys.inventory")

# For how long the test write waits for the write lock of SQLite.
_LOCK_SECONDS = 1.0
# A SQLSTATE (PostgreSQL, appendix A): a limit of the configuration, here temp_file_limit.
_LIMIT_EXCEEDED = "53400"
_CANNOT_WRITE = (
    "The database answers, but cannot store anything: its disk is full or read-only, or a quota or a limit of file"
    " sizes is reached. The log has its error message."
)


def revision() -> str | None:
    """Return the revision of the database, None if it was never migrated; raises the errors of ``schema``."""
    return schema().revision


def schema() -> Schema:
    """Return the revision of the database, and the oldest one that is compatible with it.

    Raises DatabaseUnavailable or Overloaded if the revision cannot be read, and UnusableDatabase if a pooler shares
    connections.
    """
    with translated(), db.engine.execution_options(only_reads=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            _require_same_backend(connection)
        return revisions.current(connection)


def _require_same_backend(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        pooler_check.require_same_backend(driver)
    except UnusableDatabase:
        # The other connections go through the same pooler.
        connection.invalidate()
        engine.disconnect()
        raise


def require_current_schema() -> None:
    """Raise UnusableDatabase unless the database is at the newest migration.

    Raises DatabaseUnavailable or Overloaded if that cannot be determined.
    """
    revisions.require_newest(revision())


def require_compatible_schema() -> None:
    """Raise UnusableDatabase unless this version of the service works on the schema of the database.

    Raises DatabaseUnavailable or Overloaded if that cannot be determined.
    """
    revisions.require_compatible(schema())


def require_writable() -> None:
    """Raise DatabaseUnavailable unless the database can write a little to its disk; nothing is changed."""
    deadline = time.monotonic() + _LOCK_SECONDS
    try:
        with translated(), db.engine.execution_options(deadline=deadline).begin() as connection:
            if connection.dialect.name == "sqlite":
                _write_page(connection)
            else:
                _write_temporary_file(connection)
    except Overloaded:
        # Another transaction is writing.
        return
    except UnusableDatabase:
        raise
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(_CANNOT_WRITE, error.reason) from error


def _write_page(connection: Connection) -> None:
    """Append a page to the WAL of SQLite, as a small change does."""
    # Nothing else uses this number. SQLite writes its page even if the value stays the same.
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    connection.exec_driver_sql(f"PRAGMA user_version = {version}")


def _write_temporary_file(connection: Connection) -> None:
    """Make PostgreSQL write a temporary file of about 300 KB where it stores the tables.

    A rolled back change would not need more space: it would fill gaps in the files of the tables, or leave some behind.
    A standby can write temporary files, too.
    """
    connection.exec_driver_sql("SET LOCAL work_mem = '64kB'; SET LOCAL temp_tablespaces = ''")
    try:
        connection.exec_driver_sql("SELECT count(*) FROM generate_series(1, 20000)")
    except DBAPIError as error:
        # The role may not write temporary files of this size, which says nothing about the disk.
        if getattr(error.orig, "sqlstate", None) != _LIMIT_EXCEEDED:
            raise
        connection.rollback()


def require_usable_at_start() -> None:
    """Raise UnusableDatabase, or DatabaseUnavailable for a SQLite file that cannot be used.

    If a server is merely unreachable, log a warning and start anyway: requests get 503 until it returns.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    try:
        require_compatible_schema()
    except UnusableDatabase:
        raise
    except (Overloaded, DatabaseUnavailable) as error:
        if is_sqlite and isinstance(error, DatabaseUnavailable):
            raise
        reason = getattr(error, "reason", error)
        logger.warning("%s Starting anyway; requests get 503 until the database is available.", reason)
    file = Path(str(db.engine.url.database))
    if is_sqlite and (reason := sqlite_file.access_error(file)):
        raise UnusableDatabase(f"{file} {reason}.")
