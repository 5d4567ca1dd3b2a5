"""Transactions that make requests wait until the test releases them."""

import threading
import time
from contextlib import contextmanager

import psycopg
from sqlalchemy import event

from invsys.inventory.db.models import db
from tests.support.waiting import SECONDS

# Statements that lock one row on PostgreSQL; ``{}`` is its id.
VEHICLE = "SELECT FROM continuous_resources WHERE id = '{}' FOR UPDATE"
ALLOCATION = "SELECT FROM continuous_resource_allocations WHERE id = '{}' FOR UPDATE"

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def block_next_commit(app):
    """Block the next transaction of the service just before its commit, until the test sets ``let_go``.

    Yields (reached, let_go), two ``threading.Event`` objects; the first is set when the transaction is blocked. The
    requests must have ended when the context ends.
    """
    reached, let_go = threading.Event(), threading.Event()

    def wait(connection):
        if not reached.is_set():
            reached.set()
            assert let_go.wait(SECONDS)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "commit", wait)
    try:
        yield reached, let_go
    finally:
        let_go.set()
        event.remove(engine, "commit", wait)


@contextmanager
def locked(url, statement):
    """Execute a statement and hold its locks until the context ends, which commits it; yield the connection."""
    with psycopg.connect(url) as other:
        other.execute(statement)
        yield other


# A transaction announces its events with advisory locks whose upper 16 bits are this number (migration 0002).
_FEED = 0x4556
_NEXT = f"SELECT pg_advisory_lock(({_FEED}::bigint << 48) + pg_sequence_last_value('events_key_seq'))"


@contextmanager
def block_event_numbers(url):
    """Block the transaction that draws the next event number until the context ends.

    The yielded function draws that number itself; transactions that draw a later one are not blocked.
    """
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(_NEXT)
        yield lambda: other.execute("SELECT nextval('events_key_seq')")


def until_waiting(url, count):
    """Wait until exactly ``count`` statements are waiting for locks; fail after ``SECONDS``."""
    deadline = time.monotonic() + SECONDS
    with psycopg.connect(url, autocommit=True) as other:
        while other.execute(_WAITING).fetchone() != (count,):
            assert time.monotonic() < deadline
