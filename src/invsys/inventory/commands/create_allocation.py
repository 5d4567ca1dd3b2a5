"""The command that allocates a vehicle, and the statements that it shares with ``allocate_any``.

The database itself refuses overlapping allocations. A command therefore inserts first; further queries find
the reason only after a conflict.
"""

import uuid
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import JSON, Integer, Select, String, Uuid, bindparam, func, select, true
from sqlalchemy.types import TypeEngine

from invsys.chassis import identifiers
from invsys.inventory import counters
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import client_limits, expire_holds
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.db import session
from invsys.inventory.db.functions import now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import CALLER_CLIENT_ID, Change, OutboxChange, caller_params, with_event
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, is_after_archived, is_open
from invsys.inventory.db.sqlite import allocation_keys
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period
from invsys.inventory.queries import conflicts
from invsys.inventory.queries import resources as resource_queries

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# The columns whose values are bind parameters of the same name.
_PARAMS: dict[str, TypeEngine[Any]] = {
    "starts": UtcDateTime(),
    "ends": UtcDateTime(),
    "allocation_type": String(),
    "description": String(),
    "reference": String(),
    "dump": JSON(),
}
_COLUMNS = ["resource_key", "id", *_PARAMS, "expires", "client_id"]


# The columns of a vehicle that its allocation and the event need.
VEHICLES = select(_resource.c.key, _resource.c.id, _resource.c.resource_type).where(NOT_DECOMMISSIONED)


def insert_allocations(selection: Select[Any], allocation_id: Any, *, keyed: bool) -> OutboxChange:
    """Build the statement that allocates the selected ones of ``VEHICLES``, except those with a conflicting allocation.

    ``allocation_id`` is an SQL expression.
    """
    # A CTE, so that the event reads the vehicle from it. Citus accepts FOR UPDATE only there.
    vehicles = selection.cte("vehicles")
    params = [bindparam(name, type_=column_type) for name, column_type in _PARAMS.items()]
    expires = now_plus(bindparam("hold_seconds", type_=Integer))
    # Without WHERE, SQLite would take the ON of ON CONFLICT for the condition of a join.
    rows = select(vehicles.c.key, allocation_id, *params, expires, CALLER_CLIENT_ID).where(true())

    def build_insert(insert: Any) -> Change:
        keys = allocation_keys.values(insert, func.row_number().over())
        selected = insert(_allocation).from_select([*_COLUMNS, *keys], rows.add_columns(*keys.values()))
        # Without ON CONFLICT, concurrent inserts for one vehicle deadlock on PostgreSQL.
        statement: Change = selected.on_conflict_do_nothing()
        return statement

    return with_event(build_insert, "allocated", keyed=keyed, vehicles=vehicles)


# The lock delays a decommission, a closure or the archiving of the vehicle until the insert is committed. The foreign
# key would take the same lock. A create that waits for such a transaction evaluates these conditions again, with the
# committed row.
_ANY_VEHICLE = VEHICLES.where(
    _resource.c.id == bindparam("resource_id"),
    is_after_archived(bindparam("starts", type_=UtcDateTime), _resource.c.archived_until),
)
_OPEN_VEHICLE = _ANY_VEHICLE.where(is_open(bindparam("ends", type_=UtcDateTime), _resource.c.closed_from))
# Keys: whether the request has an Idempotency-Key, and whether it is despite_closed.
_ALLOCATE = {
    (keyed, despite_closed): insert_allocations(
        vehicle.with_for_update(read=True, key_share=True), bindparam("id", type_=Uuid), keyed=keyed
    )
    for keyed in (False, True)
    for despite_closed, vehicle in ((False, _OPEN_VEHICLE), (True, _ANY_VEHICLE))
}


def allocate(
    resource_type: str,
    resource_id: uuid.UUID,
    period: Period,
    hold_seconds: int | None = None,
    despite_closed: bool = False,
    caller: Caller = NO_CALLER,
    **details: Any,
) -> CommandResult:
    """Allocate a vehicle for a period: as a hold that expires after ``hold_seconds``, or confirmed without them.

    With ``despite_closed``, the vehicle may be closed. ``details`` are the allocation_type, description, reference and
    dump. Raises ResourceNotFound, ResourceClosed, PeriodTaken, IdempotencyKeyReused, TooManyHolds, Overloaded,
    DatabaseUnavailable, and marshmallow's ValidationError if the period exceeds the caller's limits, if it begins
    before the end of an archived allocation, or if ``despite_closed`` is not permitted.
    """
    if despite_closed and caller.owner is not None:
        raise ValidationError({"despite_closed": ["Not for clients that may change only their own allocations."]})
    client_limits.require_period(caller, period)
    values = {
        "id": identifiers.new_ordered(),
        "resource_type": resource_type,
        "resource_id": resource_id,
        "starts": period.start,
        "ends": period.end,
        **details,
    }
    params = {**values, "hold_seconds": hold_seconds, **caller_params(caller)}
    max_holds = client_limits.max_holds(caller, hold_seconds)
    statement = _ALLOCATE[caller.key is not None, despite_closed]

    def attempt(_: int) -> list[Row]:
        if not client_limits.has_room(caller, max_holds):
            return []
        rows = session.change(statement, params)
        return [{**values, "client_id": caller.client_id, **row} for row in rows]

    def raise_conflict() -> None:
        client_limits.require_room(caller, max_holds)
        resource_key = _require_available(resource_type, resource_id, period, despite_closed, caller.owner)
        # The conflict may be an expired hold, which the query for conflicts ignores.
        expire_holds.delete_expired(period, resource_key=resource_key)

    result = execute_once(caller, attempt, raise_conflict)
    if hold_seconds is not None and not result.replayed:
        counters.count_holds("created")
    return result


def _require_available(
    resource_type: str, resource_id: uuid.UUID, period: Period, despite_closed: bool, owner: str | None
) -> int:
    """Return the key of the vehicle; raises ResourceNotFound, ArchivedPeriod, ResourceClosed, PeriodTaken."""
    with session.read() as connection:
        vehicle = resource_queries.require_resource(connection, resource_type, resource_id)
        key: int = vehicle["key"]
        conflicts.require_after_archived(vehicle["archived_until"], period)
        if not despite_closed:
            conflicts.require_open(vehicle["closed_from"], period)
        conflicts.require_free(connection, key, period, owner=owner)
    return key
