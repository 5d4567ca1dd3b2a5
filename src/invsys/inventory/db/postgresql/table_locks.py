"""Exclusive locks on tables that are in use: each attempt waits only for a moment.

While a transaction waits for an exclusive lock, all later statements on the table wait behind it.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Result = TypeVar("Result")

# Milliseconds.
_LOCK_TIMEOUT = 300
_ATTEMPTS, _PAUSE_SECONDS = 100, 0.5
# SQLSTATEs (PostgreSQL, appendix A): deadlock detected, lock not available.
_LOCKED = frozenset({"40P01", "55P03"})


class TableInUse(Exception):
    """A transaction used a table during all attempts to lock it."""

    def __init__(self) -> None:
        super().__init__(
            "Another transaction, for example of pg_dump, uses a table for longer than a minute: see pg_stat_activity."
        )


def with_short_waits(connection: Connection, work: Callable[[Connection], Result]) -> Result:
    """Call ``work`` in a transaction. If it waits too long for a lock, roll back and repeat it; raises TableInUse.

    ``connection`` must have no transaction.
    """
    for _ in range(_ATTEMPTS):
        try:
            with connection.begin():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT}")
                return work(connection)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCKED:
                raise
        time.sleep(_PAUSE_SECONDS)
    raise TableInUse
