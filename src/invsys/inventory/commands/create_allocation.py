"""The verb that allocates a vehicle, and what it shares with the one that chooses a vehicle (``choosing``).

The rule that matters most is not here but in the database: it refuses an overlap from whatever code path. A verb tries
first and asks afterwards; only a refused attempt costs the look-ups that say why.
"""

import uuid
from typing import Any

from sqlalchemy import JSON, Integer, Select, String, Uuid, bindparam, select
from sqlalchemy.types import TypeEngine

from invsys.chassis import identifiers
from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.commands import client_limits, expire_holds
from invsys.inventory.commands.idempotency import CommandResult, execute_once, run_or_conflict
from invsys.inventory.db import session
from invsys.inventory.db.functions import now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import MADE_BY, OutboxChange, caller_params, with_event
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period
from invsys.inventory.queries import conflicts
from invsys.inventory.queries import resources as resource_queries

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

GIVEN: dict[str, TypeEngine[Any]] = {
    "starts": UtcDateTime(),
    "ends": UtcDateTime(),
    "allocation_type": String(),
    "description": String(),
    "dump": JSON(),
}
_COLUMNS = ["resource_key", "id", *GIVEN, "expires", "client_id"]


def new_allocations(new_id: Any) -> Select[Any]:
    """Select the columns of a new allocation, whose id is ``new_id``, for each vehicle of the type."""
    given = [bindparam(name, type_=kind) for name, kind in GIVEN.items()]
    expires = now_plus(bindparam("hold_seconds", type_=Integer))
    return select(_resource.c.key, new_id, *given, expires, MADE_BY).where(NOT_DECOMMISSIONED)


def insertion(allocations: Select[Any], *, keyed: bool) -> OutboxChange:
    """Build the statement that inserts what ``new_allocations`` selects, unless an allocation is in the way."""
    # Without ON CONFLICT, PostgreSQL deadlocks under contention for one vehicle.
    return with_event(
        lambda insert: insert(_allocation).from_select(_COLUMNS, allocations).on_conflict_do_nothing(),
        "allocated",
        keyed=keyed,
    )


# The vehicle's row is locked against being decommissioned meanwhile, as the foreign key would lock it anyway.
_NAMED = (
    new_allocations(bindparam("id", type_=Uuid))
    .where(_resource.c.id == bindparam("resource_id"))
    .with_for_update(read=True, key_share=True)
)
_ALLOCATE = {keyed: insertion(_NAMED, keyed=keyed) for keyed in (False, True)}


def allocate(
    resource_type: str,
    resource_id: uuid.UUID,
    period: Period,
    hold_seconds: int | None = None,
    caller: Caller = NOBODY,
    **given: Any,
) -> CommandResult:
    """Allocate a vehicle for a period, ``given`` its allocation_type, description, dump; held if with ``hold_seconds``.

    Raises ResourceNotFound, PeriodTaken, IdempotencyKeyReused, TooManyHolds, Busy, and marshmallow's ValidationError if
    the period exceeds the caller's limits.
    """
    client_limits.require_period(caller, period)
    values = {
        "id": identifiers.new(),
        "resource_type": resource_type,
        "resource_id": resource_id,
        **columns(period, given),
    }
    statement = _ALLOCATE[caller.key is not None]
    most = client_limits.most_holds(caller, hold_seconds)

    def attempt(_: int) -> list[Row]:
        if not client_limits.has_room(caller, most):
            return []
        rows = run_or_conflict(
            lambda: session.execute(statement, values | {"hold_seconds": hold_seconds} | caller_params(caller))
        )
        return [{**values, **row} for row in rows]

    def explain() -> None:
        client_limits.require_room(caller, most)
        _explain(resource_type, resource_id, period, caller.owner)

    return execute_once(caller, attempt, explain)


def columns(period: Period, given: dict[str, Any]) -> dict[str, Any]:
    """Give the values of the columns ``GIVEN``."""
    return {"starts": period.start, "ends": period.end, **given}


def _explain(resource_type: str, resource_id: uuid.UUID, period: Period, owner: str | None) -> None:
    with session.read() as connection:
        key = resource_queries.require_resource(connection, resource_type, resource_id)["key"]
        conflicts.require_free(connection, key, period, owner=owner)
    expire_holds.delete_expired(period, resource_key=key)
