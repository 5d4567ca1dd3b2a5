"""Backup: copies a SQLite database while the service runs; for PostgreSQL, use pg_dump."""

import sqlite3
from pathlib import Path

from invsys.inventory.db.models import db
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.maintenance.copy import copy_sqlite


class BackupError(Exception):
    """The backup failed; the message names the file and the reason."""


def back_up(target: Path) -> None:
    """Copy the database to a new file; raises BackupError."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        raise BackupError(
            f"For PostgreSQL, use pg_dump: pg_dump --format=custom --no-owner --file={target} {url.database}"
        )
    source = Path(str(url.database))
    if not target.absolute().parent.is_dir():
        raise BackupError(f"cannot create {target}: there is no directory {target.absolute().parent}")
    try:
        copy_sqlite(source, target)
    except FileExistsError as error:
        raise BackupError(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"cannot create {target}: {_reason(source, error)}") from error


def _reason(source: Path, error: OSError | sqlite3.Error) -> str:
    """Return why the backup failed, without naming the temporary file that was being written."""
    if isinstance(error, sqlite3.Error) or error.filename == str(source):
        return sqlite_file.describe_error(source, error)
    return str(error.strerror)
