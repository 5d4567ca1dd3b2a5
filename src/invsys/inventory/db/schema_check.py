"""Checks that the database can be used.

It must be at the newest migration, or at one of a newer version with which this version works. No pooler may share its
connections, and at startup the SQLite file must be accessible. To be ready, it must be able to write to its disk.
"""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from invsys.inventory.db import engine, revisions, session
from invsys.inventory.db.failures import translated
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import pooler_check
from invsys.inventory.db.revisions import Schema
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import DatabaseUnavailable, Overloaded, UnusableDatabase

logger = logging.getLogger("invsys.inventory")

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
    """Raise DatabaseUnavailable unless the database can write a little to its disk."""
    try:
        session.try_to_write()
    except Overloaded:
        # Another transaction is writing.
        return
    except UnusableDatabase:
        raise
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(_CANNOT_WRITE, error.reason) from error


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
