"""The partitions of the events on PostgreSQL, and events that cross them without millions of rows."""

import psycopg

# The end of the first range (``db.postgresql.event_partitions``).
FIRST_END = 10_000_000
SECOND_END = 50_000_000
LAST_END = 210_000_000


def execute(url, statement, **values):
    """Execute a statement and return its rows, if it has any."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def continue_at(url, key):
    """Let the next event have this key."""
    execute(url, "SELECT setval('events_key_seq', %(key)s)", key=key - 1)


def partitions(url):
    """Return the number of events in each partition, by the name of the partition."""
    names = execute(url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass")
    return {name: execute(url, f"SELECT count(*) FROM {name}")[0][0] for (name,) in names}


def filled_partitions(url):
    """Return ``partitions`` without the empty ones."""
    return {name: count for name, count in partitions(url).items() if count}


def keys(url):
    """Return the keys of all events, in order."""
    return [key for (key,) in execute(url, "SELECT key FROM events ORDER BY key")]
