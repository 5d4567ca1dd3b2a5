"""Whether the database may be used: its migration, the way to it, and at the start its file."""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from invsys.inventory import database, pooling, revisions, sqlite_file
from invsys.inventory.errors import Busy, DatabaseUnavailable, UnfitDatabase
from invsys.inventory.models import db

logger = logging.getLogger("invsys.inventory")


def revision() -> str | None:
    """Return the migration at which the database is; raises DatabaseUnavailable where it cannot be reached."""
    with database.translated(), db.engine.execution_options(only_reads=True).connect() as connection:
        if connection.dialect.name == "postgresql":
            _require_same_server(connection)
        return revisions.found(connection)


def _require_same_server(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    try:
        pooling.require_same(driver)
    except UnfitDatabase:
        # Every other connection goes through the same pooler.
        connection.invalidate()
        database.disconnect()
        raise


def require_fit() -> None:
    """See that the database may be used; raises UnfitDatabase, or DatabaseUnavailable where it cannot be reached."""
    revisions.require_newest(revision())


def require_fit_to_start() -> None:
    """Raise UnfitDatabase, and DatabaseUnavailable for a file that cannot be used.

    A server that is only away is waited for while serving, with 503s.
    """
    is_sqlite = db.engine.dialect.name == "sqlite"
    try:
        require_fit()
    except UnfitDatabase:
        raise
    except (Busy, DatabaseUnavailable) as error:
        if is_sqlite and isinstance(error, DatabaseUnavailable):
            raise
        reason = getattr(error, "reason", error)
        logger.warning("%s Starting all the same, and answering 503 until the database is there.", reason)
    file = Path(str(db.engine.url.database))
    if is_sqlite and (no_access := sqlite_file.no_access(file)):
        raise UnfitDatabase(f"{file} {no_access}.")
