"""The purge: what time has made useless is deleted. Nothing waits for it; it only saves space."""

from dataclasses import dataclass

from sqlalchemy import Delete, Float, bindparam, delete, func, select

from invsys.inventory import database, expiry
from invsys.inventory.expressions import address_of_key, among
from invsys.inventory.instants import later
from invsys.inventory.models import Event, IdempotencyKey

# Seconds.
_DAY, _MARGIN = 86400, 60

# So many at once: SQLite has one writer at a time, and orders are waiting.
_AT_ONCE = 10_000

_ago = later(-bindparam("seconds", type_=Float))
# By the primary key PostgreSQL would read the whole table for each portion.
_OLD_KEYS = select(address_of_key()).select_from(IdempotencyKey).where(IdempotencyKey.created <= _ago).limit(_AT_ONCE)
_FORGET_KEYS = delete(IdempotencyKey).where(among(address_of_key(), _OLD_KEYS.scalar_subquery()))
# The newest stays: SQLite goes on from its number, and readers hold cursors.
_OLD_EVENTS = select(Event.key).where(Event.at <= _ago, Event.key < select(func.max(Event.key)).scalar_subquery())
_FORGET_EVENTS = delete(Event).where(Event.key.in_(_OLD_EVENTS.order_by(Event.key).limit(_AT_ONCE)))


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
    holds = expiry.clear_all()
    keys = _forget(_FORGET_KEYS, idempotency_ttl)
    # Not by the same instant as the keys: an event is a little older than its key.
    events = _forget(_FORGET_EVENTS, max(events_ttl * _DAY, idempotency_ttl + _MARGIN)) if events_ttl else 0
    return Purged(holds, keys, events)


def _forget(statement: Delete, seconds: int) -> int:
    """Delete what is older, and give how much it was."""
    return database.in_portions(lambda connection: connection.execute(statement, {"seconds": seconds}).rowcount)
