"""The file of a SQLite database: created for its owner only, opened only if it is there, its faults in words.

SQLite itself creates a file that is missing, with a mode that depends on the umask. The files beside it (``-wal``,
``-shm``, ``-journal``) get its mode (sqlite.org/wal.html, 2.2).
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700

# Primary result codes (sqlite.org/rescode.html) of which SQLite's own message is not enough.
_NO_DATABASE = {sqlite3.SQLITE_NOTADB: "is not a SQLite database"}
_ACCESS = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def create(file: Path) -> None:
    """Create an empty file, and its folders where they are missing; leave one that is there. Raises OSError."""
    _create_folder(file.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE))


def _create_folder(folder: Path) -> None:
    if not folder.is_dir():
        # Not by ``parents=True``, which gives only the last one this mode.
        _create_folder(folder.parent)
        folder.mkdir(_PRIVATE_FOLDER, exist_ok=True)


def connect(file: str, **parameters: Any) -> sqlite3.Connection:
    """Connect to a file that is there; raises sqlite3.OperationalError if it is not."""
    connection: sqlite3.Connection = sqlite3.connect(f"{Path(file).as_uri()}?mode=rw", uri=True, **parameters)
    return connection


def fault(file: Path, error: BaseException | None) -> str:
    """Return in a sentence what is wrong with a file that SQLite cannot use, and what to do about it."""
    try:
        file.stat()
    except FileNotFoundError:
        return f"There is no database at {file} yet: run 'invsys-manage migrate'."
    except OSError as unreachable:
        return f"{file} cannot be opened: {unreachable.strerror}."
    # The primary code is the low byte of the extended one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason = no_access(file) if code in _ACCESS else _NO_DATABASE.get(code)
    return f"{file} {reason or f'cannot be used: {error}'}."


def no_access(file: Path) -> str | None:
    """Return why this process cannot write to a file as SQLite has to, or None if it can."""
    if file.is_dir():
        return "is a folder, not a database"
    try:
        os.close(os.open(file, os.O_RDWR))
    except OSError as error:
        return f"cannot be opened for writing: {error.strerror}"
    if not os.access(file.parent, os.W_OK, effective_ids=True):
        return f"cannot be used: SQLite has to create files beside it, and {file.parent} cannot be written"
    return None
