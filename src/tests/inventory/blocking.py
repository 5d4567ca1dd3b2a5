"""Orders that wait for a lock on PostgreSQL, until the test lets them go on."""

import time
from contextlib import contextmanager

import psycopg

_SECONDS = 30
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def locked(url, statement):
    """Hold what a statement locks, and commit what it changed when the context ends."""
    with psycopg.connect(url) as other:
        other.execute(statement)
        yield


def until_waiting(url, count):
    """Return when so many statements wait for a lock; they have to within a few seconds."""
    deadline = time.monotonic() + _SECONDS
    with psycopg.connect(url, autocommit=True) as other:
        while other.execute(_WAITING).fetchone() != (count,):
            assert time.monotonic() < deadline
