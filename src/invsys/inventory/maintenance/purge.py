"""The purge: deletes expired holds, old idempotency keys and old events."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Float, bindparam, delete, func, or_, select, update

from invsys.inventory.commands import expire_holds
from invsys.inventory.db import session
from invsys.inventory.db.functions import address_of_key, db_now, in_subquery, now_plus
from invsys.inventory.db.models import CursorState, Event, IdempotencyKey
from invsys.inventory.queries import event_horizon

# Seconds.
_DAY, _MARGIN = 86400, 60

# Rows in one transaction. SQLite has one writer at a time, so requests wait while a batch is deleted.
_BATCH = 10_000

_ago = now_plus(-bindparam("seconds", type_=Float))
# Rows are deleted by address: with another condition, PostgreSQL may read the whole table for each batch.
_OLD_KEYS = select(address_of_key()).select_from(IdempotencyKey).where(IdempotencyKey.created <= _ago)
_OLD_KEYS_BATCH = _OLD_KEYS.order_by(IdempotencyKey.created).limit(_BATCH)
_DELETE_KEYS = delete(IdempotencyKey).where(in_subquery(address_of_key(), _OLD_KEYS_BATCH.scalar_subquery()))

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
_STORE_TIME = update(CursorState).values(purged_at=db_now())


@dataclass(frozen=True)
class Purged:
    """The numbers of deleted rows."""

    holds: int
    keys: int
    events: int

    def __str__(self) -> str:
        return f"expired holds: {self.holds}\nidempotency keys: {self.keys}\nevents: {self.events}"


def purge(idempotency_ttl: int, events_ttl: int) -> Purged:
    """Delete expired holds, keys older than ``idempotency_ttl`` seconds, and events older than ``events_ttl`` days.

    With 0 days, no events are deleted. The newest event, and events to which an idempotency key refers, are kept.
    """
    holds = expire_holds.delete_all_expired()
    keys = session.in_batches(partial(_delete_keys, seconds=idempotency_ttl))
    # An event is a little older than its idempotency key. The margin keeps the event as long as the key.
    seconds = max(events_ttl * _DAY, idempotency_ttl + _MARGIN)
    events = session.in_batches(partial(_delete_events, seconds=seconds)) if events_ttl else 0
    with session.write() as connection:
        connection.execute(_STORE_TIME)
    return Purged(holds, keys, events)


def _delete_keys(connection: Connection, seconds: int) -> int:
    return connection.execute(_DELETE_KEYS, {"seconds": seconds}).rowcount


def _delete_events(connection: Connection, seconds: int) -> int:
    """Delete a batch of events and store the position of the last one, whose cursor stays valid; return the count."""
    params = {"seconds": seconds, "horizon": event_horizon.last_visible_key(connection)}
    last = connection.execute(_LAST_DELETED, params).first()
    if last is None:
        return 0
    deleted = connection.execute(_DELETE_EVENTS, {"last_key": last.key}).rowcount
    connection.execute(_STORE_POSITION, {"last_key": last.key, "last_id": last.id})
    return deleted
