"""The purge: what time has made useless is deleted, to save space."""

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

# So many at once: SQLite has one writer at a time, and orders are waiting.
_AT_ONCE = 10_000

_ago = now_plus(-bindparam("seconds", type_=Float))
# By the addresses of the rows: with any other condition PostgreSQL may read the whole table for each portion.
_OLD_KEYS = select(address_of_key()).select_from(IdempotencyKey).where(IdempotencyKey.created <= _ago)
_SOME_OLD_KEYS = _OLD_KEYS.order_by(IdempotencyKey.created).limit(_AT_ONCE)
_FORGET_KEYS = delete(IdempotencyKey).where(in_subquery(address_of_key(), _SOME_OLD_KEYS.scalar_subquery()))

# The newest event always stays, because SQLite goes on from its number. Events beyond the horizon stay, because no
# event may appear before one that is deleted.
_NEWEST = select(func.max(Event.key)).scalar_subquery()
_OLDEST = (
    select(Event.key, Event.id, Event.at)
    .where(Event.key < _NEWEST, Event.key <= bindparam("horizon"))
    .order_by(Event.key)
    .limit(_AT_ONCE)
    .cte("oldest")
)
# Up to the first event that has to stay, so that the feed has no gap. An event from the future, made while a clock was
# wrong, does not have to stay.
_STAYS = select(func.min(_OLDEST.c.key)).where(_OLDEST.c.at > _ago, _OLDEST.c.at <= db_now()).scalar_subquery()
_LAST_TO_GO = (
    select(_OLDEST.c.key, _OLDEST.c.id)
    .where(or_(_STAYS.is_(None), _OLDEST.c.key < _STAYS))
    .order_by(_OLDEST.c.key.desc())
    .limit(1)
)
_FORGET_EVENTS = delete(Event).where(Event.key <= bindparam("last_key"))
_MARK = (
    update(CursorState)
    .where(func.coalesce(CursorState.purged_key, 0) < bindparam("last_key"))
    .values(purged_key=bindparam("last_key"), purged_id=bindparam("last_id"))
)


@dataclass(frozen=True)
class Purged:
    """How many of each were deleted."""

    holds: int
    keys: int
    events: int

    def __str__(self) -> str:
        return f"expired holds: {self.holds}\nidempotency keys: {self.keys}\nevents: {self.events}"


def purge(idempotency_ttl: int, events_ttl: int) -> Purged:
    """Delete expired holds, keys older than ``idempotency_ttl`` seconds, and events older than ``events_ttl`` days.

    With 0 days every event stays; the newest always does, and those that a key still tells the result of.
    """
    holds = expire_holds.delete_all_expired()
    keys = session.in_batches(partial(_forget_keys, seconds=idempotency_ttl))
    # Not by the same instant as the keys: an event is a little older than its key.
    seconds = max(events_ttl * _DAY, idempotency_ttl + _MARGIN)
    return Purged(holds, keys, session.in_batches(partial(_forget_events, seconds=seconds)) if events_ttl else 0)


def _forget_keys(connection: Connection, seconds: int) -> int:
    return connection.execute(_FORGET_KEYS, {"seconds": seconds}).rowcount


def _forget_events(connection: Connection, seconds: int) -> int:
    """Delete a portion of events, and keep the position of the last one for the cursors that name it."""
    values = {"seconds": seconds, "horizon": event_horizon.settled(connection)}
    last = connection.execute(_LAST_TO_GO, values).first()
    if last is None:
        return 0
    deleted = connection.execute(_FORGET_EVENTS, {"last_key": last.key}).rowcount
    connection.execute(_MARK, {"last_key": last.key, "last_id": last.id})
    return deleted
