"""Backup: a SQLite database is copied while the service goes on; for PostgreSQL its own tool does that."""

import sqlite3
from pathlib import Path

from invsys.inventory.db.models import db
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.maintenance.copy import copy_sqlite


class NotBackedUp(Exception):
    """There is no backup; the message says why."""


def back_up(target: Path) -> None:
    """Copy the database to a file that is not there yet; raises NotBackedUp."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        raise NotBackedUp(
            f"PostgreSQL has a tool of its own: pg_dump --format=custom --no-owner --file={target} {url.database}"
        )
    source = Path(str(url.database))
    if not target.absolute().parent.is_dir():
        raise NotBackedUp(f"{target} is not made: there is no folder {target.absolute().parent}")
    try:
        copy_sqlite(source, target)
    except FileExistsError as error:
        raise NotBackedUp(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise NotBackedUp(f"{target} is not made: {_reason(source, error)}") from error


def _reason(source: Path, error: OSError | sqlite3.Error) -> str:
    """Return what is wrong; without the name of the file that is only there while it is being written."""
    if isinstance(error, sqlite3.Error) or error.filename == str(source):
        return sqlite_file.fault(source, error)
    return str(error.strerror)
