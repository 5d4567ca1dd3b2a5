"""Database failures and their translation to problems."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from depot.db.models import db
from depot.db.sqlite import file as sqlite_file
from depot.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger("depot")

# SQLSTATEs (PostgreSQL, appendix A) of a server that works but could not execute this statement: serialization failure,
# deadlock, too many connections, lock not available, statement timeout.
_BUSY = frozenset({"40001", "40P01", "53300", "55P03", "57014"})

_logs_failures = ContextVar("logs_failures", default=True)


@contextmanager
def translated() -> Iterator[None]:
    """Translate a failure of the database to a problem (503).

    Raises DatabaseUnavailable, Overloaded. IntegrityError (a constraint was violated) is not translated.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Overloaded("Every connection to the database is in use.") from error
    except IntegrityError:
        raise
    except DBAPIError as error:
        if _logs_failures.get():
            logger.warning("The database: %s: %s", type(error.orig).__name__, str(error.orig).strip())
        if _is_busy(error.orig):
            raise Overloaded("The database is overloaded.") from error
        raise DatabaseUnavailable("The database does not work as expected.", _reason(error.orig)) from error


@contextmanager
def suppress_logging() -> Iterator[None]:
    """Do not log failures within the block; the caller prints the ``reason`` of the exception instead."""
    token = _logs_failures.set(False)
    try:
        yield
    finally:
        _logs_failures.reset(token)


def _reason(error: BaseException | None) -> str:
    """Return a message for operators about why the database cannot be used."""
    if db.engine.dialect.name == "sqlite":
        return sqlite_file.describe_error(Path(str(db.engine.url.database)), error)
    return f"The database does not answer: {str(error).strip().partition(chr(10))[0]}"


def _is_busy(error: BaseException | None) -> bool:
    # The primary result code is the low byte of the extended one (sqlite.org/rescode.html).
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(error, "sqlstate", None) in _BUSY
