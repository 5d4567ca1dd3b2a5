"""Makes a consistent copy of a SQLite database that is in use; never overwrites a file."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database with the online backup of SQLite (sqlite.org/backup.html), while other processes use it.

    ``target`` appears only when the copy is complete and synced to disk; only its owner can read it. Raises
    FileNotFoundError, FileExistsError or another OSError, and sqlite3.Error if ``source`` is not a SQLite database.
    """
    source.stat()
    if target.exists():
        raise FileExistsError(f"{target} already exists and is not overwritten")
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
    _sync_directory(target.parent)


def _copy(source: Path, target: Path) -> None:
    # A read-only connection would leave the -wal and -shm files behind if no other process has the database open.
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as reader,
        closing(sqlite3.connect(target)) as writer,
    ):
        # All pages in one step; page by page, the backup would restart after every change by another process.
        reader.backup(writer)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
