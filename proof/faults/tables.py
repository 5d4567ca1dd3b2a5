"""What the tables contain, read past the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, NullPool, create_engine, func, select, text, update

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, IdempotencyKey
from proof.system.stack import Stack


def url(stack: Stack) -> str:
    """Return the URL of the database itself, without a proxy."""
    return stack.cluster.primary.url() if stack.cluster else stack.database_url


@contextmanager
def _connection(database: str) -> Iterator[Connection]:
    engine = create_engine(database, poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def events(database: str) -> set[tuple[int, object]]:
    """Return the position and the id of every event."""
    with _connection(database) as connection:
        return {(row.key, row.id) for row in connection.execute(select(Event.key, Event.id))}


def names(database: str) -> set[str]:
    """Return the names of all vehicles."""
    with _connection(database) as connection:
        return set(connection.scalars(select(ContinuousResource.name)))


def allocations(database: str) -> int:
    """Return the number of allocations."""
    with _connection(database) as connection:
        return connection.scalar(select(func.count(ContinuousResourceAllocation.key))) or 0


def count(database: str, prefix: str) -> int:
    """Return the number of vehicles whose name begins with ``prefix``."""
    with _connection(database) as connection:
        has_name = ContinuousResource.name.startswith(prefix, autoescape=True)
        return connection.scalar(select(func.count(ContinuousResource.key)).where(has_name)) or 0


def count_allocations(database: str, prefix: str) -> int:
    """Return the number of allocations of these vehicles."""
    allocation = ContinuousResourceAllocation
    has_name = ContinuousResource.name.startswith(prefix, autoescape=True)
    statement = select(func.count(allocation.key)).join(ContinuousResource).where(has_name)
    with _connection(database) as connection:
        return connection.scalar(statement) or 0


# The first key of the next partition; the last partition is kept, because purge adds none after it in so short a time.
_BEGIN_PARTITION = """
    WITH ends AS (
        SELECT substr(relname, length('events_to_') + 1)::bigint AS upper_key
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'events'::regclass AND relname ~ '^events_to_[0-9]+$'
    )
    SELECT setval('events_key_seq', min(upper_key) - 1) FROM ends
    WHERE upper_key > pg_sequence_last_value('events_key_seq') AND upper_key < (SELECT max(upper_key) FROM ends)
    HAVING min(upper_key) IS NOT NULL"""


def begin_partition(database: str) -> bool:
    """Let the next event begin a new partition on PostgreSQL, so that a purge can drop the present one.

    Return False if there is no other partition.
    """
    with _connection(database) as connection:
        return connection.dialect.name == "postgresql" and connection.scalar(text(_BEGIN_PARTITION)) is not None


def age(database: str, older_than: timedelta, by: timedelta) -> int:
    """Move the events and the idempotency keys before an instant into the past; return the number of events."""
    now = datetime.now(UTC)
    limit, past = now - older_than, now - by
    event, key = Event.__table__, IdempotencyKey.__table__
    with _connection(database) as connection:
        connection.execute(update(key).where(key.c.created < limit, key.c.created > past).values(created=past))
        return connection.execute(update(event).where(event.c.at < limit, event.c.at > past).values(at=past)).rowcount
