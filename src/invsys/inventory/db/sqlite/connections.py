"""Connections to SQLite: WAL, BEGIN IMMEDIATE for every write, synchronous=FULL, foreign keys on."""

import functools
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from invsys.chassis.formats import strict_json
from invsys.inventory import counters
from invsys.inventory.attributes import contain
from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import Row
from invsys.inventory.db.outbox import OutboxChange
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import Overloaded

# Seconds between attempts to take the write lock: about as long as another process holds it. SQLite's own busy handler
# would sleep for up to 0.1 seconds.
_RETRY_PAUSE = 0.0001

# Only one thread of a process at a time tries to take the lock of the database.
_writer = threading.Lock()


def engine_options(database: dict[str, Any]) -> dict[str, Any]:
    """Return the engine options for the section ``[database]`` of the settings."""
    return {"connect_args": {"timeout": database["statement_timeout"]}}


def add_listeners(engine: Engine, database: dict[str, Any], *, autocommit: bool) -> None:
    """Set up each new connection.

    With ``autocommit``, connections only read. Otherwise each transaction takes the write lock when it begins, unless
    its ``only_reads`` option is set.
    """
    _add_connection_listeners(engine, autocommit=autocommit)
    if not autocommit:
        _add_transaction_listener(engine, database["statement_timeout"])


def _add_connection_listeners(engine: Engine, *, autocommit: bool) -> None:
    file = str(engine.url.database)

    @event.listens_for(engine, "do_connect")
    def open_existing(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> sqlite3.Connection:
        return sqlite_file.connect(file, **parameters)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver must not begin transactions implicitly: ``begin`` does.
        connection.isolation_level = None
        for name, function in _FUNCTIONS.items():
            connection.create_function(name, 2, function, deterministic=True)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # Single statements only read; ``_lock`` waits for the lock of writing transactions.
        connection.execute("PRAGMA query_only=ON" if autocommit else "PRAGMA busy_timeout=0")
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def checkout(connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        # If the file was replaced, for example by a restored copy, this connection still uses the old file. Allocations
        # would then be checked against two databases.
        if record.info["file"] != _identity(file):
            raise InvalidatePoolError


def _add_transaction_listener(engine: Engine, timeout: float) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("only_reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        # A transaction that reads first and writes later would fail if another one wrote in between.
        try:
            deadline = connection.get_execution_options().get("deadline", time.monotonic() + timeout)
            _lock(connection.connection.driver_connection, deadline)
        except sqlite3.Error as error:
            raise DBAPIError.instance(None, None, error, sqlite3.Error) from error


def _attribute_text(attributes: str, key: str) -> str | None:
    value = orjson.loads(attributes).get(key)
    return value if value is None or isinstance(value, str) else strict_json.dumps(value)


def _attribute_is_number(attributes: str, key: str) -> bool:
    return type(orjson.loads(attributes).get(key)) in (int, float)


def _attributes_contain(attributes: str, expected: str) -> bool:
    return contain(orjson.loads(attributes), _load_expected(expected))


# Cached, because the value is the same for every row of a statement.
_load_expected = functools.lru_cache(maxsize=64)(orjson.loads)

# The SQL functions that ``db.functions`` uses, by name. Each has two arguments.
_FUNCTIONS: dict[str, Callable[[str, str], Any]] = {
    "attribute_text": _attribute_text,
    "attribute_is_number": _attribute_is_number,
    "attributes_contain": _attributes_contain,
}


def _identity(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file)  # noqa: PTH116 - faster than Path.stat; called for every statement
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _lock(connection: Any, deadline: float) -> None:
    """Begin a writing transaction as soon as no other process writes; raises sqlite3.Error after the deadline.

    ``deadline`` is a time of ``time.monotonic()``.
    """
    started = None
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                started = started or time.monotonic()
                if time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_PAUSE)
            else:
                return
    finally:
        if started is not None:
            counters.count_lock_wait(time.monotonic() - started)


@contextmanager
def _single_writer(timeout: float) -> Iterator[None]:
    if not _writer.acquire(blocking=False):
        started = time.monotonic()
        acquired = _writer.acquire(timeout=timeout)
        counters.count_lock_wait(time.monotonic() - started)
        if not acquired:
            raise Overloaded("The database is overloaded.")
    try:
        yield
    finally:
        _writer.release()


@contextmanager
def writing(engine: Engine, timeout: float) -> Iterator[Connection]:
    """Yield a connection in a transaction that holds the write lock; raises Overloaded after ``timeout`` seconds."""
    options = {"deadline": time.monotonic() + timeout}
    with _single_writer(timeout), engine.connect() as connection, connection.execution_options(**options).begin():
        yield connection


def execute(engine: Engine, change: OutboxChange, params: dict[str, Any], timeout: float) -> list[Row]:
    """Execute a change in its own transaction and return its rows.

    Raises the exceptions that SQLAlchemy would raise, and Overloaded if the write lock is not free within ``timeout``
    seconds.
    """

    def execute_statement(statement: Executable, values: dict[str, Any]) -> list[Row]:
        compiled = compile_statement(statement, engine.dialect, "named")
        return [compiled.read(row) for row in connection.execute(compiled.sql, compiled.bind(values)).fetchall()]

    deadline = time.monotonic() + timeout
    with _single_writer(timeout):
        try:
            with closing(engine.raw_connection()) as pooled:
                connection: Any = pooled.driver_connection
                with _transaction(connection, deadline):
                    return change.run("sqlite", execute_statement, params)
        except sqlite3.Error as error:
            raise DBAPIError.instance(None, None, error, sqlite3.Error) from error


@contextmanager
def _transaction(connection: Any, deadline: float) -> Iterator[None]:
    _lock(connection, deadline)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def is_busy(error: BaseException | None) -> bool:
    """Return whether another connection held a lock until the timeout."""
    # The primary result code is the low byte of the extended one (sqlite.org/rescode.html). Errors of Python's module
    # itself have no code.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def reason(engine: Engine, error: BaseException | None) -> str:
    """Return the reason why the database cannot be used, as a sentence for operators."""
    return sqlite_file.describe_error(Path(str(engine.url.database)), error)


def is_read_only(error: BaseException | None) -> bool:
    """Return whether the file or its file system is read-only."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


def is_overlap(error: BaseException | None) -> bool:
    """Return whether the trigger rejected the row; migration 0001 contains its message."""
    return isinstance(error, sqlite3.IntegrityError) and "period_taken" in str(error)


def is_duplicate_key(error: BaseException | None) -> bool:
    """Return whether the error is a unique violation of ``idempotency_keys``: the Idempotency-Key is already stored."""
    return isinstance(error, sqlite3.IntegrityError) and "idempotency_keys" in str(error)
