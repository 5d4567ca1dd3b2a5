"""Backup: a SQLite database is copied while the service goes on; for PostgreSQL its own tool does that."""

import sqlite3
from pathlib import Path

from invsys.inventory.copying import copy_sqlite
from invsys.inventory.models import db


class NotBackedUp(Exception):
    """There is no backup; the message says why."""


def back_up(target: Path) -> None:
    """Copy the database to a file that is not there yet; raises NotBackedUp."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        raise NotBackedUp(
            f"PostgreSQL has a tool of its own: pg_dump --format=custom --no-owner --file={target} {url.database}"
        )
    try:
        copy_sqlite(Path(str(url.database)), target)
    except (OSError, sqlite3.Error) as error:
        raise NotBackedUp(f"{target} is not made: {error}") from error
