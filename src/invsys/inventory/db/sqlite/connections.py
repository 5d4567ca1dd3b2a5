"""SQLite: WAL, BEGIN IMMEDIATE for every write, synchronous=FULL, foreign keys on."""

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
from invsys.inventory.attributes import contain
from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import Row
from invsys.inventory.db.outbox import OutboxChange
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.errors import Overloaded

# Seconds to wait before asking again for the lock that another process holds, for about as long; SQLite's own busy
# handler would sleep for up to a tenth of one.
_PAUSE = 0.0001

# One thread of a process at a time asks for the lock at all.
_turn = threading.Lock()


def engine_options(database: dict[str, Any]) -> dict[str, Any]:
    """Give the engine's options for the settings' section."""
    return {"connect_args": {"timeout": database["statement_timeout"]}}


def add_listeners(engine: Engine, database: dict[str, Any], *, autocommit: bool) -> None:
    """Have every connection begin as the promise needs it, and every transaction too where it is not ``single``."""
    seconds = database["statement_timeout"]
    file = str(engine.url.database)

    @event.listens_for(engine, "do_connect")
    def open_existing(dialect: Any, record: Any, arguments: Any, parameters: dict[str, Any]) -> sqlite3.Connection:
        return sqlite_file.connect(file, **parameters)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        # The driver would open transactions at moments of its own choice; ``begin`` does it instead.
        connection.isolation_level = None
        for name, function in _FUNCTIONS.items():
            connection.create_function(name, 2, function, deterministic=True)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # Single statements only read here; whoever writes waits for the lock in ``_lock``.
        connection.execute("PRAGMA query_only=ON" if autocommit else "PRAGMA busy_timeout=0")
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def checkout(connection: sqlite3.Connection, record: Any, proxy: Any) -> None:
        # A file put in its place (a restored copy) is another database: two of them would allocate twice.
        if record.info["file"] != _identity(file):
            raise InvalidatePoolError

    if autocommit:
        return

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("only_reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        # A transaction that reads first and writes later can find its snapshot overtaken: a write locks at once.
        try:
            deadline = connection.get_execution_options().get("deadline", time.monotonic() + seconds)
            _lock(connection.connection.driver_connection, deadline)
        except sqlite3.Error as error:
            raise DBAPIError.instance(None, None, error, sqlite3.Error) from error


def _attribute_text(attributes: str, key: str) -> str | None:
    value = orjson.loads(attributes).get(key)
    return value if value is None or isinstance(value, str) else strict_json.dumps(value)


def _attribute_is_number(attributes: str, key: str) -> bool:
    return type(orjson.loads(attributes).get(key)) in (int, float)


def _attributes_contain(attributes: str, wanted: str) -> bool:
    return contain(orjson.loads(attributes), _wanted(wanted))


# The same for every row of a statement.
_wanted = functools.lru_cache(maxsize=64)(orjson.loads)

# Those that ``expressions`` calls, by name; each has two arguments.
_FUNCTIONS: dict[str, Callable[[str, str], Any]] = {
    "attribute_text": _attribute_text,
    "attribute_is_number": _attribute_is_number,
    "attributes_contain": _attributes_contain,
}


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - for every statement
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lock(connection: Any, deadline: float) -> None:
    """Begin a transaction that writes, as soon as no other process does; raises sqlite3.Error after the deadline."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


@contextmanager
def _in_turn(seconds: float) -> Iterator[None]:
    if not _turn.acquire(timeout=seconds):
        raise Overloaded("The database has too much to do.")
    try:
        yield
    finally:
        _turn.release()


@contextmanager
def writing(engine: Engine, seconds: float) -> Iterator[Connection]:
    """Give a connection within a transaction that has the lock; raises Busy after ``seconds``."""
    deadline = time.monotonic() + seconds
    with _in_turn(seconds), engine.connect() as connection, connection.execution_options(deadline=deadline).begin():
        yield connection


def execute(engine: Engine, change: OutboxChange, params: dict[str, Any], timeout: float) -> list[Row]:
    """Execute a change in its own transaction and return its rows.

    Raises what SQLAlchemy would raise, and Overloaded if the lock is not free within ``timeout`` seconds.
    """

    def execute_statement(statement: Executable, values: dict[str, Any]) -> list[Row]:
        compiled = compile_statement(statement, engine.dialect, "named")
        return [compiled.read(row) for row in connection.execute(compiled.sql, compiled.bind(values)).fetchall()]

    deadline = time.monotonic() + timeout
    with _in_turn(timeout):
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
    """Say whether another writer held the lock for longer than the setting allows to wait."""
    # The primary result code is the low byte of the extended one (sqlite.org/rescode.html); what Python's module finds
    # by itself has none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def reason(engine: Engine, error: BaseException | None) -> str:
    """Return for operators why the database cannot be used."""
    return sqlite_file.fault(Path(str(engine.url.database)), error)


def is_read_only(error: BaseException | None) -> bool:
    """Return whether the file, or its file system, cannot be written."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY


def is_overlap(error: BaseException | None) -> bool:
    """Say whether the trigger refused the row: its word stands in the first migration."""
    return isinstance(error, sqlite3.IntegrityError) and "period_taken" in str(error)


def is_known_key(error: BaseException | None) -> bool:
    """Say whether something was done under the Idempotency-Key before."""
    return isinstance(error, sqlite3.IntegrityError) and "idempotency_keys" in str(error)
