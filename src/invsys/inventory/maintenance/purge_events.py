"""Deletes old events in batches, in the order of the feed, so that it has no gap.

The position of the last purged event is stored in the same transaction: the cursor of this event stays valid, and those
of earlier events expire.
"""

from functools import partial
from typing import Any

from sqlalchemy import Connection, Float, bindparam, delete, func, or_, select, update

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now, now_plus
from invsys.inventory.db.models import CursorState, Event
from invsys.inventory.queries import event_horizon

# Rows in one transaction. SQLite has one writer at a time, so requests wait while a batch is deleted.
_BATCH = 10_000

_ago = now_plus(-bindparam("seconds", type_=Float))
# The newest event is never deleted, because SQLite continues from its number. Events beyond the horizon are not deleted
# either, because no event may appear before a deleted one.
_NEWEST = select(func.max(Event.key)).scalar_subquery()
_OLDEST = (
    select(Event.key, Event.id, Event.at)
    .where(Event.key < _NEWEST, Event.key <= bindparam("horizon"))
    .order_by(Event.key)
    .limit(_BATCH)
    .cte("oldest")
)
# The first event that is too new: the deletion stops before it, so that the feed has no gap. An event with a time in
# the future, written while a clock was wrong, does not stop the deletion.
_FIRST_KEPT = select(func.min(_OLDEST.c.key)).where(_OLDEST.c.at > _ago, _OLDEST.c.at <= db_now()).scalar_subquery()
_LAST_DELETED = (
    select(_OLDEST.c.key, _OLDEST.c.id)
    .where(or_(_FIRST_KEPT.is_(None), _OLDEST.c.key < _FIRST_KEPT))
    .order_by(_OLDEST.c.key.desc())
    .limit(1)
)
_DELETE_EVENTS = delete(Event).where(Event.key <= bindparam("last_key"))
_STORE_POSITION = (
    update(CursorState)
    .where(func.coalesce(CursorState.purged_key, 0) < bindparam("last_key"))
    .values(purged_key=bindparam("last_key"), purged_id=bindparam("last_id"))
)


def delete_old(seconds: float) -> int:
    """Delete the events that are older than ``seconds``, except the newest; return their number."""
    return session.in_batches(partial(_delete_batch, seconds=seconds))


def _delete_batch(connection: Connection, seconds: float) -> int:
    params = {"seconds": seconds, "horizon": event_horizon.last_visible_key(connection)}
    last = connection.execute(_LAST_DELETED, params).first()
    if last is None:
        return 0
    deleted = connection.execute(_DELETE_EVENTS, {"last_key": last.key}).rowcount
    store_position(connection, last)
    return deleted


def store_position(connection: Connection, last: Any) -> None:
    """Store the position of the last purged event, a row with its ``key`` and ``id``."""
    connection.execute(_STORE_POSITION, {"last_key": last.key, "last_id": last.id})
