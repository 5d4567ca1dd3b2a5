"""Connection poolers between the service and PostgreSQL: one has to keep a server process for each connection.

Session settings and limits belong to a server process. A pooler such as PgBouncer in its transaction or statement mode
gives the next statement of a connection to another process, with the settings of another caller.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from invsys.inventory.errors import UnusableDatabase

# A pooler that reuses processes gives that of an idle connection to the next statement of another one, except where
# another client takes it first. That does not happen in every round.
_ROUNDS = 20

# The poolers that were found to keep a process for each connection: host, port, database, user.
_verified: set[tuple[str, int, str, str]] = set()
# Of the connections through a pooler, the process that answered first.
_pids: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()


def require_session(
    connection: psycopg.Connection[Any], pid: int, connect: Callable[[], psycopg.Connection[Any]]
) -> None:
    """Raise UnfitDatabase if a pooler reuses the server process ``pid`` of the idle ``connection``.

    ``connect`` opens another connection to the same place, which is needed once for each pooler.
    """
    # A pooler answers the start of a connection itself, and has no process number to announce.
    if connection.info.backend_pid == pid:
        return
    if (pooler := _pooler(connection)) not in _verified:
        with connect() as other:
            _require_separate(connection, other)
        _verified.add(pooler)
    _pids[connection] = pid


def require_same(connection: psycopg.Connection[Any]) -> None:
    """Raise UnfitDatabase if a pooler has exchanged the server process of ``connection`` since it was opened."""
    expected = _pids.get(connection)
    if expected is not None and _pid(connection) != expected:
        _verified.discard(_pooler(connection))
        raise _reused()


def _pooler(connection: psycopg.Connection[Any]) -> tuple[str, int, str, str]:
    info = connection.info
    return info.host, info.port, info.dbname, info.user


def _require_separate(*connections: psycopg.Connection[Any]) -> None:
    """Raise UnfitDatabase if one of the connections changes its server process, or shares one with another."""
    owners: dict[int, int] = {}
    pids: dict[int, int] = {}
    for _ in range(_ROUNDS):
        for number, connection in enumerate(connections):
            pid = _pid(connection)
            if owners.setdefault(pid, number) != number or pids.setdefault(number, pid) != pid:
                raise _reused()


def _pid(connection: psycopg.Connection[Any]) -> int:
    # In autocommit: an open transaction keeps its process in PgBouncer's transaction mode.
    before = connection.autocommit
    connection.autocommit = True
    try:
        # A prepared statement would be missing in another process.
        row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    finally:
        connection.autocommit = before
    assert row is not None
    return int(row[0])


def _reused() -> UnusableDatabase:
    return UnusableDatabase(
        "A pooler between the service and PostgreSQL gives the statements of one connection to several server"
        " processes: let it keep one for each connection (PgBouncer: pool_mode = session), or name PostgreSQL itself in"
        " [database] url."
    )
