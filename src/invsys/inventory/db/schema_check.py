"""Whether the database may be used: its migration, the way to it, and at the start its file."""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from invsys.inventory.db import engine, revisions
from invsys.inventory.db.failures import translated
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import pooling
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import DatabaseUnavailable, Overloaded, UnusableDatabase

logger = logging.getLogger("invsys.inventory")


def revision() -> str | None:
    """Return the migration at which the database is; raises DatabaseUnavailable where it cannot be reached."""
    with translated(), db.engine.execution_options(only_reads=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            _require_same_server(connection)
        return revisions.found(connection)


def _require_same_server(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        pooling.require_same(driver)
    except UnusableDatabase:
        # Every other connection goes through the same pooler.
        connection.invalidate()
        engine.disconnect()
        raise


def require_current_schema() -> None:
    """See that the database may be used; raises UnfitDatabase, or DatabaseUnavailable where it cannot be reached."""
    revisions.require_newest(revision())


def require_usable_at_start() -> None:
    """Raise UnfitDatabase, and DatabaseUnavailable for a file that cannot be used.

    A server that is only away is waited for while serving, with 503s.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    try:
        require_current_schema()
    except UnusableDatabase:
        raise
    except (Overloaded, DatabaseUnavailable) as error:
        if is_sqlite and isinstance(error, DatabaseUnavailable):
            raise
        reason = getattr(error, "reason", error)
        logger.warning("%s Starting all the same, and answering 503 until the database is there.", reason)
    file = Path(str(db.engine.url.database))
    if is_sqlite and (no_access := sqlite_file.no_access(file)):
        raise UnusableDatabase(f"{file} {no_access}.")
