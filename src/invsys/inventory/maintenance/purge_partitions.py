"""Drops partitions of old events on PostgreSQL, and adds those that the next days need.

Dropping a partition takes milliseconds, whatever its size, but it locks the whole table. Each attempt therefore waits
only a moment for the lock (``db.postgresql.table_locks``).
"""

import enum
import logging
from functools import partial

from sqlalchemy import Connection, bindparam, func, select

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now, seconds_between
from invsys.inventory.db.models import CursorState, Event
from invsys.inventory.db.postgresql import event_partitions
from invsys.inventory.db.postgresql.table_locks import TableInUse
from invsys.inventory.maintenance import purge_events
from invsys.inventory.queries import event_horizon

logger = logging.getLogger("invsys.inventory")

# The time of an event is the start of its statement, so an earlier event can have a later time. Seconds by which the
# last event of a partition must be older, so that all are old: no statement takes that long.
_MARGIN = 3600
# The part of the time for which events are kept, for which a partition may wait until all of its events are old.
_PATIENCE = 1 / 16

# Only one process at a time drops or adds partitions.
_LOCK = select(CursorState.key).with_for_update()
_OF_RANGE = Event.key < bindparam("upper_key")
_LAST = select(Event.key, Event.id).where(_OF_RANGE).order_by(Event.key.desc()).limit(1)
# An event with a time in the future was written while a clock was wrong.
_AGE = (
    select(seconds_between(Event.at, db_now()))
    .where(_OF_RANGE, Event.at <= db_now())
    .order_by(Event.key.desc())
    .limit(1)
)
_NEWEST = select(func.max(Event.key))


class Oldest(enum.Enum):
    """The state of the oldest partition."""

    DROPPED = "All of its events were old."
    OLD_SOON = "All of its events will be old soon, so it is not worth deleting some of them now."
    KEPT = "It has events that will be kept for longer."


def drop_old(seconds: float) -> tuple[int, Oldest]:
    """Drop the partitions whose events are all older than ``seconds``; return their number, and the state of the next.

    If the table is in use for too long, log a warning; the next purge tries again.
    """
    dropped = 0
    try:
        while (state := session.with_table_locks(partial(_drop_oldest, seconds=seconds))) is Oldest.DROPPED:
            dropped += 1
    except TableInUse as error:
        logger.warning("A partition of old events could not be dropped. %s", error)
        state = Oldest.OLD_SOON
    return dropped, state


def _drop_oldest(connection: Connection, seconds: float) -> Oldest:
    """Drop the oldest partition if all of its events are old, and store the position of the last one."""
    connection.execute(_LOCK)
    upper_key = next(iter(event_partitions.upper_keys(connection)), None)
    # Neither the partition of the newest event, nor one in which an event can still be committed.
    horizon = event_horizon.last_visible_key(connection)
    newest = connection.scalar(_NEWEST)
    if upper_key is None or newest is None or min(newest, horizon) < upper_key:
        return Oldest.KEPT
    params = {"upper_key": upper_key}
    age = connection.scalar(_AGE, params)
    if age is not None and age < seconds + _MARGIN:
        return Oldest.OLD_SOON if age >= seconds * (1 - _PATIENCE) else Oldest.KEPT
    last = connection.execute(_LAST, params).first()
    if last is not None:
        purge_events.store_position(connection, last)
    event_partitions.drop(connection, upper_key)
    return Oldest.DROPPED


def add_needed(days_kept: int) -> None:
    """Add the partitions that the next days need; log a warning if that is impossible.

    ``days_kept`` is the number of days for which events are kept; 0 means forever.
    """
    try:
        is_added = session.with_table_locks(partial(_add_needed, days_kept=days_kept))
    except TableInUse as error:
        logger.warning("Partitions for later events could not be added. %s", error)
        return
    if not is_added:
        logger.warning(
            "No partition was ready for the newest events, so they are in the table events_default. To make a"
            " partition of them, run 'invsys-manage migrate'."
        )


def _add_needed(connection: Connection, days_kept: int) -> bool:
    connection.execute(_LOCK)
    return event_partitions.add_ranges(connection, days_kept)
