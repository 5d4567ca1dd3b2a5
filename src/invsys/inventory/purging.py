"""The purge: what time has made useless is deleted. Nothing waits for it; it only saves space."""

from dataclasses import dataclass

from sqlalchemy import Float, bindparam, delete, func, select

from invsys.inventory import database, expiry
from invsys.inventory.instants import later
from invsys.inventory.models import Event, IdempotencyKey

# Seconds.
_DAY, _MARGIN = 86400, 60

_ago = later(-bindparam("seconds", type_=Float))
_FORGET_KEYS = delete(IdempotencyKey).where(IdempotencyKey.created <= _ago)
# The newest stays: SQLite goes on from its number, and readers hold cursors.
_FORGET_EVENTS = delete(Event).where(Event.at <= _ago, Event.key < select(func.max(Event.key)).scalar_subquery())


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
    with database.transaction() as connection:
        database.lift_limits(connection)
        keys = connection.execute(_FORGET_KEYS, {"seconds": idempotency_ttl}).rowcount
        events = 0
        if events_ttl:
            # Not by the same instant as the keys: an event is a little older than its key.
            seconds = max(events_ttl * _DAY, idempotency_ttl + _MARGIN)
            events = connection.execute(_FORGET_EVENTS, {"seconds": seconds}).rowcount
    return Purged(holds, keys, events)
