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
        yield other


# Advisory locks with this number in their upper 16 bits announce the events that a transaction writes (migration 0002).
_FEED = 0x4556
_NEXT = f"SELECT pg_advisory_lock(({_FEED}::bigint << 48) + pg_sequence_last_value('events_key_seq'))"


@contextmanager
def first_event_waits(url):
    """Let the transaction that draws the next event number wait for the end of the context.

    Those that draw one after the yielded function was called do not wait.
    """
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(_NEXT)
        yield lambda: other.execute("SELECT nextval('events_key_seq')")


def until_waiting(url, count):
    """Return when so many statements wait for a lock; they have to within a few seconds."""
    deadline = time.monotonic() + _SECONDS
    with psycopg.connect(url, autocommit=True) as other:
        while other.execute(_WAITING).fetchone() != (count,):
            assert time.monotonic() < deadline
