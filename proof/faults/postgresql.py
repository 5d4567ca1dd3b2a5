"""Faults of PostgreSQL: restarts, ended sessions and cancelled statements."""

from collections.abc import Iterator
from contextlib import suppress

import psycopg

from proof.faults.fault import POSTGRESQL, Scene, fault
from proof.system.cluster import DATABASE

_SESSIONS = (
    f"FROM pg_stat_activity WHERE datname = '{DATABASE}' AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()"
)


@fault("database", engines=POSTGRESQL)
def postgresql_restarted_immediately(scene: Scene) -> Iterator[None]:
    """Stop PostgreSQL as if it crashed, and start it again: it recovers from its write-ahead log."""
    primary = scene.cluster.primary
    primary.stop("immediate")
    yield
    primary.start()


@fault("database", engines=POSTGRESQL)
def postgresql_restarted(scene: Scene) -> Iterator[None]:
    """Stop PostgreSQL in the mode "fast", as systemd does, and start it again."""
    primary = scene.cluster.primary
    primary.stop("fast")
    yield
    primary.start()


@fault("database", engines=POSTGRESQL, seconds=6)
def postgresql_suspended(scene: Scene) -> Iterator[None]:
    """Suspend all processes of PostgreSQL: the services notice that it does not respond."""
    primary = scene.cluster.primary
    primary.suspend()
    try:
        yield
    finally:
        primary.resume()


@fault("database", engines=POSTGRESQL, weight=5)
def one_session_terminated(scene: Scene) -> Iterator[None]:
    """End one session of the services with pg_terminate_backend, if possible one that executes a statement."""
    order = "ORDER BY state = 'active' DESC, random() LIMIT 1"
    scene.cluster.primary.query(f"SELECT pg_terminate_backend(pid) {_SESSIONS} {order}")
    yield


@fault("database", engines=POSTGRESQL, weight=3)
def all_sessions_terminated(scene: Scene) -> Iterator[None]:
    """End all sessions of the services."""
    rows = scene.cluster.primary.query(f"SELECT pg_terminate_backend(pid) {_SESSIONS}")
    scene.detail["sessions"] = len(rows)
    yield


@fault("database", engines=POSTGRESQL, weight=5)
def statements_cancelled(scene: Scene) -> Iterator[None]:
    """Cancel whatever is being executed, again and again."""
    scene.detail["statements"] = 0
    for _ in range(50):
        with suppress(psycopg.OperationalError):
            rows = scene.cluster.primary.query(f"SELECT pg_cancel_backend(pid) {_SESSIONS} AND state = 'active'")
            scene.detail["statements"] += len(rows)
    yield
