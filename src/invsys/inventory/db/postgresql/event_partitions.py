"""The partitions of the events on PostgreSQL (migration 0010): ranges of keys, and a default partition.

``purge`` adds ranges before they are needed. If it has not run for long, events are stored in the default partition.
``settle`` then turns that partition into a range, as it does with the table from before migration 0010.
"""

import logging
from functools import partial

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from invsys.inventory.db.postgresql.table_locks import with_short_waits

logger = logging.getLogger("invsys.inventory")

# The least number of keys in a range, and those of the first ranges, when it is not yet known how fast keys are used.
_SMALLEST = 10_000_000
_FIRST_SIZES = (_SMALLEST, 4 * _SMALLEST, 16 * _SMALLEST)
# A range has the keys of this part of the time for which events are kept, so that there are a few dozen ranges.
_PARTS = 32
# Ranges must exist for the keys of this many days.
_DAYS_AHEAD = 7
# The rate is that of the latest keys.
_SAMPLE = 200_000_000
# If events are kept forever, ranges are as large as if they were kept for this many days.
_FOREVER = 400
# While the default partition is checked, it accepts only smaller keys than the last one plus this number: at 2,000
# events per second these last for 58 days.
_HEADROOM = 10**10

_ORDERED = """
    SELECT substr(relname, length('events_to_') + 1)::bigint AS upper_key
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'events'::regclass AND relname ~ '^events_to_[0-9]+$' ORDER BY 1"""
_KEYS_PER_DAY = """
    SELECT (last.key - first.key)
        / greatest(extract(epoch FROM statement_timestamp() - first.at)::float8 / 86400, 1)
    FROM (SELECT key FROM events ORDER BY key DESC LIMIT 1) AS last,
    LATERAL (SELECT key, at FROM events WHERE key >= last.key - :sample ORDER BY key LIMIT 1) AS first"""
_LAST_KEY = "SELECT coalesce(pg_sequence_last_value('events_key_seq'), 0)"
# The constraint of a default partition that is being turned into a range; its name ends with the end of the range.
_CHECK = "ck_events_default_below_"
_FIND_CHECK = """
    SELECT substr(conname, length(:name) + 1)::bigint AS upper_key FROM pg_constraint
    WHERE conrelid = 'events_default'::regclass AND starts_with(conname, :name)"""


def upper_keys(connection: Connection) -> list[int]:
    """Return the end of each range, in order: the first key after it."""
    return list(connection.scalars(text(_ORDERED)))


def drop(connection: Connection, upper_key: int) -> None:
    """Drop the range that ends before ``upper_key``; its table is locked until the end of the transaction."""
    connection.execute(text("SELECT drop_event_partition(:upper_key)"), {"upper_key": upper_key})


def add_ranges(connection: Connection, days_kept: int) -> bool:
    """Add the ranges that the next days need; return False if the default partition has events instead.

    ``days_kept`` is the number of days for which events are kept; 0 means forever.
    """
    last_key = _last_key(connection)
    end = max(upper_keys(connection), default=last_key)
    per_day = connection.scalar(text(_KEYS_PER_DAY), {"sample": _SAMPLE}) or 0
    size = max(_SMALLEST, round(per_day * max((days_kept or _FOREVER) / _PARTS, 1)))
    needed = last_key + max(_SMALLEST, _DAYS_AHEAD * per_day)
    while end < needed:
        end += size
        if not _add(connection, end):
            return False
    return True


def settle(connection: Connection) -> None:
    """Turn a default partition with events into a range, and add ranges after it. The role must own the tables.

    Each step is a transaction of its own. The service can use the table all the time, also if a step is the last one.
    """
    with connection.begin():
        has_events = connection.scalar(text("SELECT EXISTS (SELECT FROM events_default)"))
        has_ranges = bool(upper_keys(connection))
    if has_events:
        _turn_default_into_range(connection)
    elif not has_ranges:
        with_short_waits(connection, partial(_add_first_ranges, start=0))
    with connection.begin():
        _skip_headroom(connection)


def _turn_default_into_range(connection: Connection) -> None:
    upper_key = with_short_waits(connection, _bound_default)
    try:
        with connection.begin():
            _validate(connection, upper_key)
    except IntegrityError:
        # Somebody has set the sequence of keys back.
        with_short_waits(connection, partial(_drop_check, upper_key=upper_key))
        logger.warning("The table events_default has smaller keys than the partitions, so its events stay there.")
        return
    with_short_waits(connection, partial(_attach_default_as_range, upper_key=upper_key))
    logger.info("The events have become the partition events_to_%d.", upper_key)


def _bound_default(connection: Connection) -> int:
    """Make the default partition refuse keys that are far ahead; return the first refused one."""
    last_key = _last_key(connection)
    row = connection.execute(text(_FIND_CHECK), {"name": _CHECK}).first()
    if row is not None:
        if row.upper_key > last_key + _HEADROOM // 2:
            return int(row.upper_key)
        _drop_check(connection, row.upper_key)
    upper_key = last_key + _HEADROOM
    lower_bound = "".join(f"key >= {end} AND " for end in upper_keys(connection)[-1:])
    connection.execute(
        text(
            f"ALTER TABLE events_default ADD CONSTRAINT {_CHECK}{upper_key}"
            f" CHECK ({lower_bound}key < {upper_key}) NOT VALID"
        )
    )
    return upper_key


def _validate(connection: Connection, upper_key: int) -> None:
    """Read all events of the default partition, under a lock that does not conflict with those of the service."""
    size = connection.scalar(text("SELECT pg_size_pretty(pg_relation_size('events_default'))"))
    logger.info("Reading the events once (%s), to make a partition of them. The service can go on.", size)
    connection.execute(text(f"ALTER TABLE events_default VALIDATE CONSTRAINT {_CHECK}{upper_key}"))


def _drop_check(connection: Connection, upper_key: int) -> None:
    connection.execute(text(f"ALTER TABLE events_default DROP CONSTRAINT {_CHECK}{upper_key}"))


def _attach_default_as_range(connection: Connection, upper_key: int) -> None:
    # The constraint proves that all keys are in the range, so PostgreSQL does not read the events.
    start = "".join(str(end) for end in upper_keys(connection)[-1:]) or "MINVALUE"
    name = f"events_to_{upper_key}"
    for statement in (
        "ALTER TABLE events DETACH PARTITION events_default",
        f"ALTER TABLE events_default RENAME TO {name}",
        f"ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({upper_key})",
        f"ALTER TABLE {name} DROP CONSTRAINT {_CHECK}{upper_key}",
        "CREATE TABLE events_default PARTITION OF events DEFAULT",
    ):
        connection.execute(text(statement))
    _add_first_ranges(connection, upper_key)


def _add_first_ranges(connection: Connection, start: int) -> None:
    for size in _FIRST_SIZES:
        start += size
        _add(connection, start)


def _skip_headroom(connection: Connection) -> None:
    """Continue with the keys of the next range if the present one has a headroom."""
    last_key = _last_key(connection)
    present = next((end for end in upper_keys(connection) if end > last_key), last_key)
    if present - last_key > _HEADROOM // 2:
        connection.execute(text("SELECT setval('events_key_seq', :key)"), {"key": present - 1})


def _add(connection: Connection, upper_key: int) -> bool:
    return bool(connection.scalar(text("SELECT add_event_partition(:upper_key)"), {"upper_key": upper_key}))


def _last_key(connection: Connection) -> int:
    return int(connection.scalar(text(_LAST_KEY)) or 0)
