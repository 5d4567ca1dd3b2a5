"""A copy of a SQLite database that is in use: whole, as of one instant, and never in the place of another file."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database by SQLite's online backup (sqlite.org/backup.html), while others read and write.

    ``target`` is there only when the copy is whole and on the disk; only its owner can read it.
    Raises FileNotFoundError, FileExistsError, another OSError, and sqlite3.Error where ``source`` is no such database.
    """
    source.stat()
    if target.exists():
        raise FileExistsError(f"{target} is there already, and is not overwritten")
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    unfinished = Path(name)
    try:
        _copy(source, unfinished)
        os.fsync(descriptor)
        unfinished.rename(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    _sync_names(target.parent)


def _copy(source: Path, target: Path) -> None:
    # Read-only would do, but leave behind the files beside a database that nobody else has open.
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        # All pages in one step: page by page it would begin anew after every change that others make.
        read.backup(written)


def _sync_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
