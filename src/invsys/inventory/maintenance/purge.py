"""The purge: deletes expired holds, old idempotency keys and old events."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Float, bindparam, delete, select, update

from invsys.inventory.commands import expire_holds
from invsys.inventory.db import engine, session
from invsys.inventory.db.functions import address_of_key, db_now, in_subquery, now_plus
from invsys.inventory.db.models import CursorState, IdempotencyKey
from invsys.inventory.maintenance import purge_events, purge_partitions
from invsys.inventory.maintenance.purge_partitions import Oldest

# Seconds.
_DAY, _MARGIN = 86400, 60

# Rows in one transaction. SQLite has one writer at a time, so requests wait while a batch is deleted.
_BATCH = 10_000

_ago = now_plus(-bindparam("seconds", type_=Float))
# Rows are deleted by address: with another condition, PostgreSQL may read the whole table for each batch.
_OLD_KEYS = select(address_of_key()).select_from(IdempotencyKey).where(IdempotencyKey.created <= _ago)
_OLD_KEYS_BATCH = _OLD_KEYS.order_by(IdempotencyKey.created).limit(_BATCH)
_DELETE_KEYS = delete(IdempotencyKey).where(in_subquery(address_of_key(), _OLD_KEYS_BATCH.scalar_subquery()))

_STORE_TIME = update(CursorState).values(purged_at=db_now())


@dataclass(frozen=True)
class Purged:
    """The numbers of deleted rows."""

    holds: int
    keys: int
    events: int
    # Not rows: the number of dropped partitions, on PostgreSQL.
    partitions: int = 0

    def __str__(self) -> str:
        text = f"expired holds: {self.holds}\nidempotency keys: {self.keys}\nevents: {self.events}"
        return f"{text}\npartitions of events: {self.partitions}" if self.partitions else text


def purge(idempotency_ttl: int, events_ttl: int) -> Purged:
    """Delete expired holds, keys older than ``idempotency_ttl`` seconds, and events older than ``events_ttl`` days.

    With 0 days, no events are deleted. The newest event, and events to which an idempotency key refers, are kept. On
    PostgreSQL, whole partitions of events are dropped where possible, and those of the next days are added.
    """
    holds = expire_holds.delete_all_expired()
    keys = session.in_batches(partial(_delete_keys, seconds=idempotency_ttl))
    # An event is a little older than its idempotency key. The margin keeps the event as long as the key.
    seconds = max(events_ttl * _DAY, idempotency_ttl + _MARGIN)
    partitions, events = _purge_events(seconds) if events_ttl else (0, 0)
    if not engine.current().is_sqlite:
        purge_partitions.add_needed(events_ttl)
    with session.write() as connection:
        connection.execute(_STORE_TIME)
    return Purged(holds, keys, events, partitions)


def _purge_events(seconds: float) -> tuple[int, int]:
    """Return the numbers of dropped partitions and of deleted events."""
    if engine.current().is_sqlite:
        return 0, purge_events.delete_old(seconds)
    dropped, oldest = purge_partitions.drop_old(seconds)
    return dropped, purge_events.delete_old(seconds) if oldest is Oldest.KEPT else 0


def _delete_keys(connection: Connection, seconds: int) -> int:
    return connection.execute(_DELETE_KEYS, {"seconds": seconds}).rowcount
