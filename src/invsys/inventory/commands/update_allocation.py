"""The verb that changes an allocation, confirms or extends a hold."""

import uuid
from collections.abc import Collection
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, Integer, String, bindparam, func
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from invsys.inventory.caller import NOBODY, Caller
from invsys.inventory.commands import client_limits, expire_holds, locked_allocation
from invsys.inventory.commands.locked_allocation import TOO_LATE
from invsys.inventory.db import failures, session
from invsys.inventory.db.functions import db_now, now_plus
from invsys.inventory.db.models import ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import caller_params, is_unchanged, with_event
from invsys.inventory.db.predicates import is_active
from invsys.inventory.errors import HoldExpired, Overloaded, require_version
from invsys.inventory.merge_patch import resolved
from invsys.inventory.period import Period, require_order
from invsys.inventory.queries import conflicts

# How often a change is tried: it begins again if its allocation moved, or if what overlapped it is gone.
_ATTEMPTS = 5

_allocation = ContinuousResourceAllocation.__table__
_CHANGEABLE = ("resource_key", "starts", "ends", "allocation_type", "description", "dump", "expires")

_CHANGE = with_event(
    lambda _: (
        sql_update(_allocation)
        # Locks may have been waited for since it was read.
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
    caller: Caller = NOBODY,
) -> Row:
    """Change what ``changes`` (of ``schemas.ChangedAllocation``) names, all of it or nothing, and give the allocation.

    It is looked for on the vehicle ``resource_id`` (None: on any of the type), and only changed if it is at one of
    ``versions`` (None: at any). One that is not the ``caller``'s own is not there for a caller that may know of no
    others. Raises AllocationNotFound, HoldExpired, VersionMismatch, PeriodTaken, Busy, and marshmallow's
    ValidationError for what does not go with the allocation as it is.
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
                new, hold_seconds = _new_values(row, changes, caller)
                if hold_seconds is None and is_unchanged(row, new):
                    return row
                return _changed(connection, row, new, hold_seconds, caller)
        except IntegrityError as error:
            if row is None or not failures.is_overlap(error):
                raise
            _explain(row, new, caller.owner)
    raise Overloaded("The allocation, or what overlaps it, changed at every attempt.")


def _new_values(row: Row, changes: dict[str, Any], caller: Caller) -> tuple[dict[str, Any], int | None]:
    """Give what the columns shall hold, and for how many seconds to hold from now."""
    changes = resolved(changes, row)
    new = {name: changes.get(name, row[name]) for name in _CHANGEABLE}
    if changes.get("status") == "confirmed":
        new["expires"] = None
    hold_seconds: int | None = changes.get("hold_seconds")
    if hold_seconds is not None and new["expires"] is None:
        raise ValidationError({"hold_seconds": ["Only a hold can be extended, and this allocation is confirmed."]})
    if "resource_id" in changes:
        if row["new_resource_key"] is None:
            message = f"No {row['resource_type']} in circulation has the id {changes['resource_id']}."
            raise ValidationError({"resource_id": [message]})
        new["resource_key"] = row["new_resource_key"]
    require_order(new["starts"], new["ends"])
    if (new["starts"], new["ends"]) != (row["starts"], row["ends"]):
        before = Period(row["starts"], row["ends"])
        client_limits.require_period(caller, Period(new["starts"], new["ends"]), before)
    return new, hold_seconds


def _changed(connection: Connection, row: Row, new: dict[str, Any], hold_seconds: int | None, caller: Caller) -> Row:
    confirmed = row["expires"] is not None and new["expires"] is None
    values = {
        "allocation_key": row["key"],
        "kind": "confirmed" if confirmed else "allocation_changed",
        "hold_seconds": hold_seconds,
        **{f"new_{name}": value for name, value in new.items()},
        **caller_params(caller),
    }
    changed = _CHANGE.run_in(connection, values)
    if not changed:
        raise HoldExpired(TOO_LATE)
    return {**row, **new, **changed[0]}


def _explain(row: Row, new: Row, owner: str | None) -> None:
    period = Period(new["starts"], new["ends"])
    with session.read() as connection:
        conflicts.require_free(connection, new["resource_key"], period, but=row["key"], owner=owner)
    expire_holds.delete_expired(period, resource_key=new["resource_key"])
