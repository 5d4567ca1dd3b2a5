"""The file of a SQLite database: creation, connections, and messages about files that cannot be used.

SQLite itself would create a missing file with a mode that depends on the umask. Here only ``create`` creates it,
accessible to its owner only, and ``connect`` fails if it is missing. The companion files (``-wal``, ``-shm``,
``-journal``) get the mode of the database file (sqlite.org/wal.html, 2.2).
"""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from invsys.chassis.config import data_home

_PRIVATE = 0o600

# Primary result codes (sqlite.org/rescode.html) for which SQLite's own message is not sufficient.
_NO_DATABASE = {sqlite3.SQLITE_NOTADB: "is not a SQLite database"}
_ACCESS = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def create(file: Path) -> None:
    """Create an empty file and its missing folders, unless the file exists. Raises OSError."""
    data_home.create(file.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE))


def connect(file: str, **parameters: Any) -> sqlite3.Connection:
    """Connect to an existing file; raises sqlite3.OperationalError if it is missing."""
    connection: sqlite3.Connection = sqlite3.connect(f"{Path(file).as_uri()}?mode=rw", uri=True, **parameters)
    return connection


def describe_error(file: Path, error: BaseException | None) -> str:
    """Return the reason why SQLite cannot use the file, as a sentence for operators."""
    try:
        file.stat()
    except FileNotFoundError:
        return f"There is no database at {file} yet: run 'invsys-manage migrate'."
    except OSError as unreachable:
        return f"{file} cannot be opened: {unreachable.strerror}."
    # The primary code is the low byte of the extended one.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason = access_error(file) if code in _ACCESS else _NO_DATABASE.get(code)
    return f"{file} {reason or f'cannot be used: {error}'}."


def access_error(file: Path) -> str | None:
    """Return why this process cannot use the file, such as "is a folder, not a database", or None if it can."""
    if file.is_dir():
        return "is a folder, not a database"
    # Do not open the file: closing any descriptor of it would release the locks that SQLite holds on it in this process
    # (sqlite.org/howtocorrupt.html, 2.2).
    if not os.access(file, os.R_OK | os.W_OK, effective_ids=True):
        is_read_only = os.statvfs(file.parent).f_flag & os.ST_RDONLY
        return f"cannot be opened for writing: {os.strerror(errno.EROFS if is_read_only else errno.EACCES)}"
    if not os.access(file.parent, os.W_OK, effective_ids=True):
        return f"cannot be used: SQLite has to create files beside it, and {file.parent} is not writable"
    return None
