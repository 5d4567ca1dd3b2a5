"""Deletes expired holds.

All queries ignore a hold from the moment it expires, but its row still violates the constraint. It is deleted when it
blocks a new period, when a client reads the end of the change feed, when its vehicle is decommissioned, before an
import, and by ``purge``.

``lock_order`` describes the locks.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Select, bindparam, delete, literal_column, select

from invsys.inventory import counters
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.db import lock_order, session
from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.outbox import OutboxChange, Values, caller_params, with_event
from invsys.inventory.db.predicates import is_expired, overlaps
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# Limits the number of rows of one statement, and with it the duration.
_BATCH = 1000

_IN_PERIOD = overlaps(bindparam("start", type_=UtcDateTime), bindparam("end", type_=UtcDateTime))
_OF_VEHICLE = _allocation.c.resource_key == bindparam("of_resource_key")


def _delete(holds: Select[Any]) -> Delete:
    return delete(_allocation).where(in_subquery(_allocation.c.key, holds.limit(_BATCH).scalar_subquery()))


def _expire(holds: Select[Any]) -> OutboxChange:
    """Build the statement that deletes the selected holds, with an ``expired`` event for each."""
    return with_event(lambda _: _delete(holds), "expired")


# The statement waits for the lock of the vehicle, as the command itself does, but skips a locked hold: another
# transaction confirms, extends or deletes it, and the constraint makes the next attempt wait for that transaction.
_LOCKED_VEHICLE = lock_order.lock_vehicles(_resource.c.key == bindparam("of_resource_key")).with_only_columns(
    _resource.c.key
)
_EXPIRE_CONFLICTS_OF_VEHICLE = _expire(
    select(_allocation.c.key)
    .where(
        is_expired(),
        _IN_PERIOD,
        _OF_VEHICLE,
        in_subquery(_allocation.c.resource_key, _LOCKED_VEHICLE.scalar_subquery()),
    )
    .with_for_update(skip_locked=True)
)
# Ordered by vehicle, so that a batch frees whole vehicles: if it had one hold of each of a thousand vehicles, the other
# holds might still block every one of them.
# With "+ 0", SQLite uses the index on ``expires``. Without it, SQLite would read every allocation in index order.
_EXPIRE_CONFLICTS_OF_TYPE = _expire(
    lock_order.allocations_skip_locked(
        is_expired(), _IN_PERIOD, _resource.c.resource_type == bindparam("resource_type")
    ).order_by(_allocation.c.resource_key + literal_column("0"))
)
_EXPIRE_ANY = _expire(lock_order.allocations_skip_locked(is_expired()))


def _of_locked_vehicle(*conditions: ColumnElement[bool]) -> Select[Any]:
    # The statement waits for locked holds: only a transaction that ignores the lock order can lock them now.
    return select(_allocation.c.key).where(_OF_VEHICLE, *conditions).order_by(_allocation.c.key).with_for_update()


_EXPIRE_OF_LOCKED_VEHICLE = _expire(_of_locked_vehicle(is_expired()))
_DEALLOCATE_OF_LOCKED_VEHICLE = with_event(
    lambda _: _delete(_of_locked_vehicle(_allocation.c.expires.is_not(None))), "deallocated"
)

# Expired holds of decommissioned vehicles, which earlier versions did not delete. No event may follow the vehicle's
# last one.
_DELETE_OF_DECOMMISSIONED = _delete(
    select(_allocation.c.key)
    .join(_resource, _resource.c.key == _allocation.c.resource_key + literal_column("0"))
    .where(is_expired(), _resource.c.decommissioned.is_not(None))
    .with_for_update(of=_allocation, skip_locked=True)
)


def delete_expired(period: Period, *, resource_key: int | None = None, resource_type: str | None = None) -> bool:
    """Delete expired holds that overlap the period, of one vehicle or of all vehicles of a type.

    At most 1,000 are deleted. Return whether any were deleted.
    """
    statement = _EXPIRE_CONFLICTS_OF_TYPE if resource_key is None else _EXPIRE_CONFLICTS_OF_VEHICLE
    params = {
        "start": period.start,
        "end": period.end,
        "of_resource_key": resource_key,
        "resource_type": resource_type,
        **caller_params(NO_CALLER),
    }
    deleted = session.change(statement, params)
    counters.count_holds("expired", len(deleted))
    return bool(deleted)


def delete_expired_batch(connection: Connection) -> int:
    """Delete up to 1,000 expired holds of any vehicles, with an event for each; return their number.

    This is one statement on PostgreSQL. It skips locked holds and vehicles, and never waits. On SQLite the connection
    must be in a write transaction.
    """
    return len(_EXPIRE_ANY.run_in(connection, caller_params(NO_CALLER)))


def delete_all_expired() -> int:
    """Delete every expired hold, and return their number."""
    of_decommissioned = session.in_batches(lambda connection: connection.execute(_DELETE_OF_DECOMMISSIONED).rowcount)
    return of_decommissioned + session.in_batches(delete_expired_batch)


def delete_expired_of_vehicle(connection: Connection, resource_key: int) -> None:
    """Delete a vehicle's expired holds; the transaction must have locked the vehicle FOR UPDATE."""
    params = {"of_resource_key": resource_key, **caller_params(NO_CALLER)}
    counters.count_holds("expired", _repeat(connection, _EXPIRE_OF_LOCKED_VEHICLE, params))


def end_holds(connection: Connection, resource_key: int, caller: Caller) -> None:
    """Delete all holds of a vehicle that is being decommissioned.

    The transaction must have locked the vehicle FOR UPDATE. The event is ``expired`` for a hold that has expired by the
    database's clock, otherwise ``deallocated``.
    """
    delete_expired_of_vehicle(connection, resource_key)
    _repeat(connection, _DEALLOCATE_OF_LOCKED_VEHICLE, {"of_resource_key": resource_key, **caller_params(caller)})


def _repeat(connection: Connection, statement: OutboxChange, params: Values) -> int:
    """Execute a statement, which changes a limited number of rows, until it changes none; return their number."""
    total = 0
    while count := len(statement.run_in(connection, params)):
        total += count
    return total
