"""The command that changes an allocation, confirms a hold or extends it."""

import uuid
from collections.abc import Collection
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, Integer, String, bindparam, func
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import client_limits, expire_holds, locked_allocation
from invsys.inventory.commands.locked_allocation import TOO_LATE
from invsys.inventory.commands.preconditions import require_version
from invsys.inventory.db import failures, session
from invsys.inventory.db.functions import db_now, now_plus
from invsys.inventory.db.models import ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import caller_params, is_unchanged, with_event
from invsys.inventory.db.predicates import is_active
from invsys.inventory.errors import HoldExpired, Overloaded
from invsys.inventory.merge_patch import resolved
from invsys.inventory.period import Period, require_order
from invsys.inventory.queries import conflicts

# The maximum number of attempts. An attempt fails if the allocation moved before it was locked, or if a conflict
# occurred that has disappeared.
_ATTEMPTS = 5

_allocation = ContinuousResourceAllocation.__table__
_CHANGEABLE = ("resource_key", "starts", "ends", "allocation_type", "description", "reference", "dump", "expires")

_UPDATE = with_event(
    lambda _: (
        sql_update(_allocation)
        # The hold may have expired while an earlier statement waited for a lock.
        .where(_allocation.c.key == bindparam("allocation_key"), is_active())
        .values({name: bindparam(f"new_{name}", type_=_allocation.c[name].type) for name in _CHANGEABLE})
        .values(
            expires=func.coalesce(
                now_plus(bindparam("hold_seconds", type_=Integer)),
                bindparam("new_expires", type_=_allocation.c.expires.type),
            ),
            version=_allocation.c.version + 1,
            changed=db_now(),
        )
    ),
    bindparam("kind", type_=String),
)


def update(
    resource_type: str,
    allocation_id: uuid.UUID,
    changes: dict[str, Any],
    resource_id: uuid.UUID | None = None,
    versions: Collection[int] | None = None,
    caller: Caller = NO_CALLER,
) -> Row:
    """Apply all ``changes`` (as ``schemas.ChangedAllocation`` loads them) to an allocation, and return it.

    The allocation must belong to the vehicle ``resource_id`` (None: any of the type) and have a version in ``versions``
    (None: any). If the caller is restricted to its own allocations, those of others count as missing.

    Raises AllocationNotFound, HoldExpired, VersionMismatch, ResourceClosed, PeriodTaken, Overloaded,
    DatabaseUnavailable, and marshmallow's ValidationError if the changes do not fit the allocation's current state.
    """
    for _ in range(_ATTEMPTS):
        try:
            with session.transaction() as connection:
                row = locked_allocation.lock(
                    connection, resource_type, allocation_id, resource_id, caller.owner, changes
                )
                if row is None:
                    continue
                require_version(row, versions)
                new_values, hold_seconds = _new_values(row, changes, caller)
                if hold_seconds is None and is_unchanged(row, new_values):
                    return row
                return _update(connection, row, new_values, hold_seconds, caller)
        except IntegrityError as error:
            if row is None or not failures.is_overlap(error):
                raise
            _explain(row, new_values, caller.owner)
    raise Overloaded("The allocation or those that conflict with it kept changing; try again.")


def _new_values(row: Row, changes: dict[str, Any], caller: Caller) -> tuple[dict[str, Any], int | None]:
    """Return the new values of the columns, and the seconds from now until the hold expires (None: not extended).

    Raises ResourceClosed, and marshmallow's ValidationError if the changes do not fit the row.
    """
    changes = resolved(changes, row)
    new_values = {name: changes.get(name, row[name]) for name in _CHANGEABLE}
    if changes.get("status") == "confirmed":
        new_values["expires"] = None
    hold_seconds: int | None = changes.get("hold_seconds")
    if hold_seconds is not None and new_values["expires"] is None:
        raise ValidationError({"hold_seconds": ["Only a hold can be extended, and this allocation is confirmed."]})
    if "resource_id" in changes:
        if row["new_resource_key"] is None:
            message = f"No {row['resource_type']} in circulation has the id {changes['resource_id']}."
            raise ValidationError({"resource_id": [message]})
        new_values["resource_key"] = row["new_resource_key"]
    require_order(new_values["starts"], new_values["ends"])
    period, old_period = Period(new_values["starts"], new_values["ends"]), Period(row["starts"], row["ends"])
    if period != old_period:
        client_limits.require_period(caller, period, old_period)
    moves = new_values["resource_key"] != row["resource_key"]
    conflicts.require_open(row["closed_from"], period, None if moves else old_period)
    return new_values, hold_seconds


def _update(
    connection: Connection, row: Row, new_values: dict[str, Any], hold_seconds: int | None, caller: Caller
) -> Row:
    is_confirmation = row["expires"] is not None and new_values["expires"] is None
    params = {
        "allocation_key": row["key"],
        "kind": "confirmed" if is_confirmation else "allocation_changed",
        "hold_seconds": hold_seconds,
        **{f"new_{name}": value for name, value in new_values.items()},
        **caller_params(caller),
    }
    updated = _UPDATE.run_in(connection, params)
    if not updated:
        raise HoldExpired(TOO_LATE)
    return {**row, **new_values, **updated[0]}


def _explain(row: Row, new_values: Row, owner: str | None) -> None:
    """Raise PeriodTaken, or delete the expired holds that conflict with the new period."""
    period, resource_key = Period(new_values["starts"], new_values["ends"]), new_values["resource_key"]
    with session.read() as connection:
        conflicts.require_free(connection, resource_key, period, ignored_key=row["key"], owner=owner)
    expire_holds.delete_expired(period, resource_key=resource_key)
