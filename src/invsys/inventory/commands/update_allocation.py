"""The command that changes an allocation, confirms a hold or extends it."""

import contextlib
import uuid
from collections.abc import Collection
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, Integer, String, bindparam, func
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError

from invsys.inventory import counters
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import client_limits, expire_holds, locked_allocation
from invsys.inventory.commands.locked_allocation import TOO_LATE
from invsys.inventory.commands.preconditions import require_version
from invsys.inventory.db import failures, session
from invsys.inventory.db.functions import db_now, now_plus
from invsys.inventory.db.models import ContinuousResourceAllocation, Row
from invsys.inventory.db.outbox import caller_params, is_unchanged, with_event
from invsys.inventory.db.predicates import is_active
from invsys.inventory.errors import (
    AllocationNotFound,
    HoldExpired,
    Overloaded,
    PeriodTaken,
    ResourceClosed,
)
from invsys.inventory.merge_patch import resolved
from invsys.inventory.period import Period, require_order
from invsys.inventory.queries import conflicts, free_vehicles
from invsys.inventory.queries.conflicts import ArchivedPeriod

# The maximum number of attempts. An attempt fails if the allocation moved before it was locked, or if a conflict
# occurred that has disappeared.
_ATTEMPTS = 5
# The maximum number of vehicles that are tried if the allocation may move to any.
_ATTEMPTS_WITH_ANY = 50

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


class UnusableVehicle(ValidationError):
    """The vehicle to which an allocation would move is not in circulation, or lacks attributes that it must have."""


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

    Raises AllocationNotFound, Archived, HoldExpired, VersionMismatch, ResourceClosed, PeriodTaken, NoneAvailable,
    Overloaded, DatabaseUnavailable, and marshmallow's ValidationError if the changes do not fit the allocation's
    current state.
    """
    if "attributes" in changes:
        return _move_to_any(resource_type, allocation_id, changes, resource_id, versions, caller)
    return _update(resource_type, allocation_id, changes, resource_id, versions, caller)


def _move_to_any(
    resource_type: str,
    allocation_id: uuid.UUID,
    changes: dict[str, Any],
    resource_id: uuid.UUID | None,
    versions: Collection[int] | None,
    caller: Caller,
) -> Row:
    """Choose a vehicle without locks, then move the allocation as if the caller had named this vehicle.

    If another request changes the allocation or takes the vehicle first, begin again with another vehicle. A statement
    that skips locked vehicles could find none although one is free, and a transaction that waits for one vehicle after
    the other could deadlock.
    """
    for _ in range(_ATTEMPTS_WITH_ANY):
        with session.snapshot() as connection:
            rows = locked_allocation.find(connection, resource_type, [allocation_id], caller.owner, resource_id)
            row = locked_allocation.require_present(
                connection, rows.get(allocation_id), resource_type, allocation_id, caller.owner, resource_id
            )
            require_version(row, versions)
            vehicle = _choose(connection, row, changes, caller)
        targeted = {**changes, "resource_id": vehicle["id"]}
        # The next attempt finds out what happened to the allocation.
        with contextlib.suppress(AllocationNotFound, ArchivedPeriod, ResourceClosed, PeriodTaken, UnusableVehicle):
            return _update(resource_type, allocation_id, targeted, row["resource_id"], versions, caller)
    raise Overloaded("Other requests kept taking the vehicles that were free; try again.")


def _choose(connection: Connection, row: Row, changes: dict[str, Any], caller: Caller) -> Row:
    values, _ = new_values(row, changes, caller)
    params = {**values, "resource_type": row["resource_type"], "attributes": changes["attributes"]}
    return free_vehicles.require_other(connection, params, ignored_keys=[], excluded=[row["resource_key"]])


def _update(
    resource_type: str,
    allocation_id: uuid.UUID,
    changes: dict[str, Any],
    resource_id: uuid.UUID | None,
    versions: Collection[int] | None,
    caller: Caller,
) -> Row:
    for _ in range(_ATTEMPTS):
        try:
            with session.transaction() as connection:
                row = locked_allocation.lock(
                    connection, resource_type, allocation_id, resource_id, caller.owner, changes
                )
                if row is None:
                    continue
                require_version(row, versions)
                values, hold_seconds = new_values(row, changes, caller)
                require_open(row, values, row)
                if hold_seconds is None and is_unchanged(row, values):
                    return row
                updated = _execute(connection, row, values, hold_seconds, caller)
        except IntegrityError as error:
            if row is None or not failures.is_overlap(error):
                raise
            _explain(row, values, caller.owner)
            continue
        if is_confirmation(row, values):
            counters.count_holds("confirmed")
        return updated
    raise Overloaded("The allocation or those that conflict with it kept changing; try again.")


def new_values(row: Row, changes: dict[str, Any], caller: Caller) -> tuple[dict[str, Any], int | None]:
    """Return the new values of the columns, and the seconds from now until the hold expires (None: not extended).

    ``row`` is as ``locked_allocation.lock`` returns it. Raises marshmallow's ValidationError if the changes do not fit
    the row.
    """
    changes = resolved(changes, row)
    values = {name: changes.get(name, row[name]) for name in _CHANGEABLE}
    if changes.get("status") == "confirmed":
        values["expires"] = None
    hold_seconds: int | None = changes.get("hold_seconds")
    if hold_seconds is not None and values["expires"] is None:
        raise ValidationError({"hold_seconds": ["Only a hold can be extended, and this allocation is confirmed."]})
    if "resource_id" in changes:
        values["resource_key"] = _target(row, changes)
    require_order(values["starts"], values["ends"])
    if (values["starts"], values["ends"]) != (row["starts"], row["ends"]):
        old_period = Period(row["starts"], row["ends"])
        client_limits.require_period(caller, Period(values["starts"], values["ends"]), old_period)
    return values, hold_seconds


def require_open(row: Row, values: Row, vehicle: Row) -> None:
    """Raise a problem if the change of a row to ``values`` allocates additional time at which the vehicle is closed.

    ``vehicle`` has ``closed_from`` and ``archived_until`` of the vehicle in ``values``. Raises ResourceClosed, and
    ArchivedPeriod for time before ``archived_until``.
    """
    moves = values["resource_key"] != row["resource_key"]
    old_period = None if moves else Period(row["starts"], row["ends"])
    period = Period(values["starts"], values["ends"])
    conflicts.require_after_archived(vehicle["archived_until"], period, old_period)
    conflicts.require_open(vehicle["closed_from"], period, old_period)


def _target(row: Row, changes: dict[str, Any]) -> int:
    """Return the key of the vehicle to which the allocation moves; raise UnusableVehicle if it must not move there."""
    if row["new_resource_key"] is None:
        message = f"No {row['resource_type']} in circulation has the id {changes['resource_id']}."
        raise UnusableVehicle({"resource_id": [message]})
    key: int = row["new_resource_key"]
    return key


def is_confirmation(row: Row, values: Row) -> bool:
    """Return whether the change of a row to ``values`` confirms a hold."""
    return row["expires"] is not None and values["expires"] is None


def _execute(connection: Connection, row: Row, values: dict[str, Any], hold_seconds: int | None, caller: Caller) -> Row:
    params = {
        "allocation_key": row["key"],
        "kind": "confirmed" if is_confirmation(row, values) else "allocation_changed",
        "hold_seconds": hold_seconds,
        **{f"new_{name}": value for name, value in values.items()},
        **caller_params(caller),
    }
    updated = _UPDATE.run_in(connection, params)
    if not updated:
        raise HoldExpired(TOO_LATE)
    return {**row, **values, **updated[0]}


def _explain(row: Row, values: Row, owner: str | None) -> None:
    """Raise PeriodTaken, or delete the expired holds that conflict with the new period."""
    period, resource_key = Period(values["starts"], values["ends"]), values["resource_key"]
    with session.read() as connection:
        conflicts.require_free(connection, resource_key, period, ignored_keys=[row["key"]], owner=owner)
    expire_holds.delete_expired(period, resource_key=resource_key)
