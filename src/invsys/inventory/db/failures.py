"""Database failures: their translation to problems, and the circuit breaker.

``is_overlap`` recognises a violated overlap constraint. The problem PeriodTaken (409) lists the conflicting rows, which
only a query can find: ``queries.conflicts.require_free`` raises it. ``commands.resources`` turns a duplicate name into
NameTaken (409).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import current_app
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.inventory.db import engine
from invsys.inventory.errors import DatabaseUnavailable, Overloaded

logger = logging.getLogger("invsys.inventory")

# Circuit breaker: after a failure slower than _SLOW_SECONDS, fail immediately for _PAUSE_SECONDS.
_SLOW_SECONDS, _PAUSE_SECONDS = 1.0, 1.0
_OPEN_UNTIL = "invsys.circuit_open_until"

_logs_failures = ContextVar("logs_failures", default=True)


@contextmanager
def translated() -> Iterator[None]:
    """Translate a database failure to a problem (503); while the circuit is open, raise the problem immediately.

    Raises DatabaseUnavailable, Overloaded. IntegrityError and DataError pass through: the database works, but
    rejects this statement.
    """
    started = time.monotonic()
    if started < current_app.extensions.get(_OPEN_UNTIL, 0.0):
        raise DatabaseUnavailable("The database did not answer a moment ago.")
    try:
        yield
    except PoolTimeout as error:
        raise Overloaded("Every connection to the database is in use.") from error
    except (IntegrityError, DataError):
        raise
    except DBAPIError as error:
        if _logs_failures.get():
            log(error)
        if is_busy(error):
            raise Overloaded("The database is overloaded.") from error
        if time.monotonic() - started > _SLOW_SECONDS:
            _open_circuit()
        engines = engine.current()
        reason = engines.backend.reason(engines.transactions, error.orig)
        raise DatabaseUnavailable("The database does not work as expected.", reason) from error


def _open_circuit() -> None:
    """Open the circuit: requests fail immediately for ``_PAUSE_SECONDS``, instead of waiting for a timeout each.

    Idle connections are closed, because after a failover they would still lead to the failed server.
    """
    engine.disconnect()
    current_app.extensions[_OPEN_UNTIL] = time.monotonic() + _PAUSE_SECONDS


@contextmanager
def suppress_logging() -> Iterator[None]:
    """Do not log failures within the block; the caller prints the ``reason`` of the exception instead."""
    token = _logs_failures.set(False)
    try:
        yield
    finally:
        _logs_failures.reset(token)


def log(error: DBAPIError) -> None:
    """Log the driver's error message as a warning."""
    logger.warning("The database: %s: %s", type(error.orig).__name__, str(error.orig).strip())


def is_busy(error: DBAPIError) -> bool:
    """Return whether the database works, but has too many requests or locks to execute this statement now."""
    return bool(engine.current().backend.is_busy(error.orig))


def is_read_only(error: DBAPIError) -> bool:
    """Return whether the database, the role or the transaction does not allow changes."""
    return bool(engine.current().backend.is_read_only(error.orig))


def is_overlap(error: DBAPIError) -> bool:
    """Return whether the database rejected an allocation because it overlaps another one."""
    return bool(engine.current().backend.is_overlap(error.orig))


def is_duplicate_key(error: DBAPIError) -> bool:
    """Return whether the error is a unique violation of ``idempotency_keys``: the Idempotency-Key is already stored."""
    return bool(engine.current().backend.is_duplicate_key(error.orig))
