"""The ways to use the database: single statements, transactions, snapshots, batches.

The functions raise the problems of ``failures.translated``, except ``try_without_waiting``.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from alembic import context
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from invsys.chassis.http.problems import Unavailable
from invsys.inventory.db import engine
from invsys.inventory.db.engine import Engines
from invsys.inventory.db.failures import is_busy, is_duplicate_key, is_overlap, is_read_only, log, translated
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import Row
from invsys.inventory.db.outbox import OutboxChange
from invsys.inventory.db.postgresql.table_locks import with_short_waits
from invsys.inventory.db.sqlite import connections as sqlite
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.db.standbys import reads as standby_reads
from invsys.inventory.errors import Overloaded

logger = logging.getLogger("invsys.inventory")

Result = TypeVar("Result")


def read() -> AbstractContextManager[Connection]:
    """Return a connection for single queries, in autocommit: to a standby, if one answers this request."""
    reading = standby_reads.current()
    return read_primary() if reading is None else reading.connect()


@contextmanager
def read_primary() -> Iterator[Connection]:
    """Yield a connection to the primary for single queries, in autocommit."""
    with translated(), engine.current().autocommit.connect() as connection:
        yield connection


@contextmanager
def write() -> Iterator[Connection]:
    """Yield a connection for one writing statement: one round trip on PostgreSQL, BEGIN IMMEDIATE on SQLite."""
    engines = engine.current()
    with translated(), _writing(engines) if engines.is_sqlite else engines.autocommit.connect() as connection:
        yield connection


@contextmanager
def transaction() -> Iterator[Connection]:
    """Yield a connection whose statements are committed together, or rolled back if an exception is raised."""
    engines = engine.current()
    with translated(), _writing(engines) if engines.is_sqlite else engines.transactions.begin() as connection:
        yield connection


def change(outbox_change: OutboxChange, params: dict[str, Any], at_least: int = 1) -> list[Row]:
    """Execute an outbox change in its own transaction and return its rows.

    If the change conflicts with an allocation or a stored Idempotency-Key, or if it changes fewer than ``at_least``
    rows, nothing is changed and the list is empty. The caller then finds the reason, for example with
    ``conflicts.require_free``.
    """
    try:
        return _execute(outbox_change, params) if at_least == 1 else _change_several(outbox_change, params, at_least)
    except IntegrityError as error:
        if is_overlap(error) or is_duplicate_key(error):
            return []
        raise


def _execute(outbox_change: OutboxChange, params: dict[str, Any]) -> list[Row]:
    engines = engine.current()
    used = engines.transactions if engines.is_sqlite else engines.autocommit
    with translated():
        rows: list[Row] = engines.backend.execute(used, outbox_change, params, engines.statement_timeout)
    return rows


def _change_several(outbox_change: OutboxChange, params: dict[str, Any], at_least: int) -> list[Row]:
    with transaction() as connection:
        rows = outbox_change.run_in(connection, params)
        if len(rows) < at_least:
            connection.rollback()
            return []
        return rows


def _writing(engines: Engines, timeout: float | None = None) -> AbstractContextManager[Connection]:
    """Return the context manager of a writing transaction on SQLite; ``timeout`` is in seconds."""
    return sqlite.writing(engines.transactions, engines.statement_timeout if timeout is None else timeout)


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Yield a connection whose queries all see the same state of the database, or of a standby as in ``read``."""
    if (reading := standby_reads.current()) is not None:
        with reading.connect(isolation_level="REPEATABLE READ") as connection, connection.begin():
            yield connection
        return
    engines = engine.current()
    options = {"only_reads": True} if engines.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with translated(), engines.transactions.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def maintenance() -> Iterator[Connection]:
    """Yield a connection as ``snapshot`` does, but without timeouts, for queries that may take long."""
    with snapshot() as connection:
        disable_timeouts(connection)
        yield connection


def disable_timeouts(connection: Connection) -> None:
    """Remove the timeouts of a PostgreSQL connection, and detach it from the pool, so that it is closed after use."""
    if connection.dialect.name == "postgresql":
        connection.connection.driver_connection.seconds = None  # type: ignore[union-attr]
        connection.detach()
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")


def in_batches(process: Callable[[Connection], int]) -> int:
    """Call ``process`` until it returns 0, each time in a new transaction without timeouts; return the sum.

    ``process`` handles one batch and returns its size.
    """
    total = 0
    while True:
        with transaction() as connection:
            disable_timeouts(connection)
            count = process(connection)
        if not count:
            return total
        total += count


def with_table_locks(process: Callable[[Connection], Result]) -> Result:
    """Call ``process`` in a transaction that locks tables on PostgreSQL (``table_locks``); return its result.

    Raises TableInUse.
    """
    with translated(), engine.current().transactions.connect() as connection:
        with connection.begin():
            disable_timeouts(connection)
        return with_short_waits(connection, process)


def try_without_waiting(work: Callable[[Connection], int]) -> int:
    """Call ``work`` in its own transaction without waiting for locks; return its result, or 0 if it fails.

    This is for clean-up during a read request, which must neither wait nor fail because of the clean-up. ``work`` must
    lock rows only with SKIP LOCKED.
    """
    engines = engine.current()
    try:
        with _writing(engines, 0.0) if engines.is_sqlite else engines.transactions.begin() as connection:
            if not engines.is_sqlite:
                # For table locks, in milliseconds; 0 would disable the timeout.
                connection.exec_driver_sql("SET LOCAL lock_timeout = 1")
            return work(connection)
    except Overloaded:
        return 0
    except DBAPIError as error:
        if not (is_busy(error) or is_read_only(error)):
            log(error)
        return 0
    except (PoolTimeout, Unavailable) as error:
        logger.warning("The database: %s", error)
        return 0


def now() -> datetime:
    """Return the time of the database's clock."""
    with read() as connection:
        return connection.execute(select(db_now())).scalar_one()


def connect_for_migration() -> Connection:
    """Connect as Alembic's ``env.py`` does; create a missing SQLite file if the command can change the database.

    Raises OSError, ``errors.Unavailable``.
    """
    engines = engine.current()
    with suppress(KeyError):
        # Commands that only read have no target revision.
        context.get_revision_argument()
        if engines.is_sqlite:
            sqlite_file.create(Path(str(engines.transactions.url.database)))
    with translated():
        return engines.transactions.connect()
