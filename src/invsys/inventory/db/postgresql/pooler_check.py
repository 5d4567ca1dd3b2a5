"""Rejects connection poolers that do not assign each connection its own server process.

Session settings and timeouts belong to a server process. A pooler in transaction or statement mode, such as PgBouncer,
may execute the next statement of a connection in another process, with the settings of another client.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from invsys.inventory.errors import UnusableDatabase

# A pooler that reuses processes gives the process of an idle connection to the next statement of another connection,
# unless the statement of another client takes it first, which is unlikely in all of these rounds.
_ROUNDS = 20

# The poolers that passed the check: host, port, database, user.
_verified: set[tuple[str, int, str, str]] = set()
# The server process of each connection through a pooler.
_pids: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()


def require_session_mode(
    connection: psycopg.Connection[Any], pid: int, connect: Callable[[], psycopg.Connection[Any]]
) -> None:
    """Raise UnusableDatabase if a pooler uses the server process ``pid`` of the idle ``connection`` for others as well.

    ``connect`` opens another connection to the same address. It is called once for each pooler that passes the check.
    """
    # A pooler accepts a connection itself, so the process number that it sends to the driver is not that of the server.
    if connection.info.backend_pid == pid:
        return
    if (pooler := _pooler(connection)) not in _verified:
        with connect() as other:
            _require_separate_backends(connection, other)
        _verified.add(pooler)
    _pids[connection] = pid


def require_same_backend(connection: psycopg.Connection[Any]) -> None:
    """Raise UnusableDatabase if a pooler has changed the server process of ``connection`` since it was opened."""
    expected = _pids.get(connection)
    if expected is not None and _pid(connection) != expected:
        _verified.discard(_pooler(connection))
        raise _reused()


def _pooler(connection: psycopg.Connection[Any]) -> tuple[str, int, str, str]:
    info = connection.info
    return info.host, info.port, info.dbname, info.user


def _require_separate_backends(*connections: psycopg.Connection[Any]) -> None:
    """Raise UnusableDatabase if a connection changes its server process, or shares it with another connection."""
    owners: dict[int, int] = {}
    pids: dict[int, int] = {}
    for _ in range(_ROUNDS):
        for number, connection in enumerate(connections):
            pid = _pid(connection)
            if owners.setdefault(pid, number) != number or pids.setdefault(number, pid) != pid:
                raise _reused()


def _pid(connection: psycopg.Connection[Any]) -> int:
    # In autocommit, because an open transaction keeps its process even in PgBouncer's transaction mode.
    before = connection.autocommit
    connection.autocommit = True
    try:
        # Not a prepared statement, because another process would not have it.
        row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    finally:
        connection.autocommit = before
    assert row is not None
    return int(row[0])


def _reused() -> UnusableDatabase:
    return UnusableDatabase(
        "A pooler between the service and PostgreSQL executes the statements of one connection in several server"
        " processes: configure one process for each connection (PgBouncer: pool_mode = session), or set [database] url"
        " to PostgreSQL itself."
    )
