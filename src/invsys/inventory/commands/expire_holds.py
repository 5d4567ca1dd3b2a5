"""Expired holds: they count nowhere from ``expires`` on, and are deleted where they overlap a new period.

``lock_order`` describes the locks.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Select, bindparam, delete, literal_column, select

from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.db import lock_order, session
from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.outbox import OutboxChange, Values, caller_params, with_event
from invsys.inventory.db.predicates import is_expired, overlaps
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# Limits how long a statement takes, however many have expired.
_AT_ONCE = 1000

_IN_PERIOD = overlaps(bindparam("start", type_=UtcDateTime), bindparam("end", type_=UtcDateTime))
_OF_ONE = _allocation.c.resource_key == bindparam("of_resource_key")


def _delete(holds: Select[Any]) -> Delete:
    return delete(_allocation).where(in_subquery(_allocation.c.key, holds.limit(_AT_ONCE).scalar_subquery()))


def _clear(holds: Select[Any]) -> OutboxChange:
    return with_event(lambda _: _delete(holds), "expired")


# Waits for the vehicle, as the caller's own attempt does. A hold that is locked is just confirmed, extended or cleared;
# the constraint makes the next attempt wait for it.
_VEHICLE = lock_order.vehicles(_resource.c.key == bindparam("of_resource_key")).with_only_columns(_resource.c.key)
_CLEAR_OF_ONE = _clear(
    select(_allocation.c.key)
    .where(is_expired(), _IN_PERIOD, _OF_ONE, in_subquery(_allocation.c.resource_key, _VEHICLE.scalar_subquery()))
    .with_for_update(skip_locked=True)
)
# Vehicle after vehicle: a thousand holds, one of each, might free none of them. "+ 0", or SQLite would read every
# allocation in the order of that index instead of looking up what has expired.
_CLEAR_OF_TYPE = _clear(
    lock_order.holds_or_skip(
        is_expired(), _IN_PERIOD, _resource.c.resource_type == bindparam("resource_type")
    ).order_by(_allocation.c.resource_key + literal_column("0"))
)
_CLEAR_ALL = _clear(lock_order.holds_or_skip(is_expired()))


def _of_locked_vehicle(*conditions: ColumnElement[bool]) -> Select[Any]:
    # Waits for locked holds: only transactions that ignore the lock order can have locked them.
    return select(_allocation.c.key).where(_OF_ONE, *conditions).order_by(_allocation.c.key).with_for_update()


_EXPIRE = _clear(_of_locked_vehicle(is_expired()))
_DEALLOCATE = with_event(lambda _: _delete(_of_locked_vehicle(_allocation.c.expires.is_not(None))), "deallocated")

# Left by versions that decommissioned vehicles without ending all holds. No event may follow the vehicle's last one.
_LEFT_BEHIND = _delete(
    select(_allocation.c.key)
    .join(_resource, _resource.c.key == _allocation.c.resource_key + literal_column("0"))
    .where(is_expired(), _resource.c.decommissioned.is_not(None))
    .with_for_update(of=_allocation, skip_locked=True)
)


def delete_expired(period: Period, *, resource_key: int | None = None, resource_type: str | None = None) -> bool:
    """Clear expired holds that overlap the period, of a vehicle or of all of a type; return whether there were any."""
    statement = _CLEAR_OF_TYPE if resource_key is None else _CLEAR_OF_ONE
    sought = {"of_resource_key": resource_key, "resource_type": resource_type}
    return bool(
        session.change(statement, {"start": period.start, "end": period.end, **sought, **caller_params(NOBODY)})
    )


def settle(connection: Connection) -> int:
    """Clear up to 1,000 expired holds of any vehicles, each with its event; return how many.

    One statement on PostgreSQL. Locked holds and vehicles are skipped, so it never waits. On SQLite the connection
    must be in a transaction that may write.
    """
    return len(_CLEAR_ALL.run_in(connection, caller_params(NOBODY)))


def delete_all_expired() -> int:
    """Clear every expired hold, and return how many there were."""
    left_behind = session.in_batches(lambda connection: connection.execute(_LEFT_BEHIND).rowcount)
    return left_behind + session.in_batches(settle)


def delete_expired_of_vehicle(connection: Connection, resource_key: int) -> None:
    """Clear a vehicle's expired holds within the caller's transaction, which has locked the vehicle FOR UPDATE."""
    _in_portions(connection, _EXPIRE, {"of_resource_key": resource_key, **caller_params(NOBODY)})


def end_holds(connection: Connection, resource_key: int, caller: Caller) -> None:
    """End every hold of a vehicle that the caller's transaction has locked FOR UPDATE and decommissions.

    The events are ``expired``, or ``deallocated`` by the caller if a hold has not expired by the database's clock.
    """
    delete_expired_of_vehicle(connection, resource_key)
    _in_portions(connection, _DEALLOCATE, {"of_resource_key": resource_key, **caller_params(caller)})


def _in_portions(connection: Connection, statement: OutboxChange, values: Values) -> None:
    while statement.run_in(connection, values):
        pass
