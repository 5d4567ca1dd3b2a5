"""The command: plans the changes, locks the rows, and replaces them."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from invsys.inventory import attributes
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import expire_holds, locked_allocation
from invsys.inventory.commands.change_list import plan as planning
from invsys.inventory.commands.change_list import rows as row_statements
from invsys.inventory.commands.change_list.entries import Entry, Placement, naming, place
from invsys.inventory.commands.change_list.plan import Plan, Rows
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.db import failures, session
from invsys.inventory.db.models import Row
from invsys.inventory.queries import conflicts


def apply(resource_type: str, changes: Sequence[dict[str, Any]], caller: Caller = NO_CALLER) -> CommandResult:
    """Apply all ``changes`` (as ``schemas.ListedChange`` loads them), or none; return the allocations in their order.

    The result is judged after all changes, so that allocations can swap vehicles or periods. Each entry counts as a
    change, also one without effect: a replay of the request is built from the events. Entries that move to any vehicle
    get one that is free after all others; each is chosen for its own entry alone.

    Raises the problems of single entries, with the member ``index``: AllocationNotFound, HoldExpired, VersionMismatch,
    PeriodTaken, NoneAvailable, InvalidFields. Also raises IdempotencyKeyReused, Overloaded, DatabaseUnavailable.
    """
    entries = [_entry(index, change) for index, change in enumerate(changes)]

    def attempt(_: int) -> list[Row]:
        plan = planning.make(resource_type, entries, caller)
        placements: list[Placement] = []
        try:
            with session.transaction() as connection:
                placements += _lock(connection, resource_type, entries, plan, caller)
                return row_statements.replace(connection, placements, caller) if placements else []
        except IntegrityError as error:
            if failures.is_duplicate_key(error):
                return []
            if not failures.is_overlap(error):
                raise
        _explain(placements, caller.owner)
        return []

    return execute_once(caller, attempt)


def _entry(index: int, change: dict[str, Any]) -> Entry:
    changes = {name: value for name, value in change.items() if name not in ("id", "version")}
    return Entry(index, change["id"], change.get("version"), changes)


def _lock(
    connection: Connection, resource_type: str, entries: Sequence[Entry], plan: Plan, caller: Caller
) -> list[Placement]:
    """Lock all vehicles, then all allocations, and apply the entries to them.

    Return nothing if an allocation has moved or disappeared since the plan was made, or if a chosen vehicle no longer
    fits; the attempt then begins again.
    """
    new_vehicles = {entry.allocation_id: entry.vehicle_id for entry in entries if entry.vehicle_id is not None}
    new_vehicles |= plan.choices
    old_keys = _vehicle_keys(plan.rows)
    vehicles = row_statements.lock_vehicles(connection, resource_type, new_vehicles.values(), old_keys.values())
    rows = locked_allocation.find(connection, resource_type, list(plan.rows), caller.owner, lock=True)
    if _vehicle_keys(rows) != old_keys:
        return []
    placements = []
    for entry in entries:
        vehicle = vehicles.get(new_vehicles[entry.allocation_id]) if entry.allocation_id in new_vehicles else None
        if entry.moves_to_any and not _has_attributes(vehicle, entry):
            return []
        with naming(entry):
            row = entry.require_present(connection, rows[entry.allocation_id], resource_type, caller.owner)
            placements.append(place(entry, row, vehicle, caller))
    return placements


def _vehicle_keys(rows: Rows) -> dict[uuid.UUID, int]:
    return {allocation_id: row["resource_key"] for allocation_id, row in rows.items()}


def _has_attributes(vehicle: Row | None, entry: Entry) -> bool:
    return vehicle is not None and attributes.contain(vehicle["attributes"], entry.changes["attributes"])


def _explain(placements: Sequence[Placement], owner: str | None) -> None:
    """Raise PeriodTaken for the first entry with a conflict, or delete the expired holds that conflict.

    A conflict of a vehicle that was chosen is no reason to refuse the request: the next attempt chooses another one.
    """
    moved = [placement for placement in placements if placement.is_moved]
    named = [placement for placement in placements if not placement.entry.moves_to_any]
    keys = [placement.key for placement in placements]
    with session.read() as connection:
        for placement in moved:
            if placement.entry.moves_to_any:
                continue
            planned = [
                {**other.row, **other.values} for other in named if other is not placement and placement.overlaps(other)
            ]
            with naming(placement.entry):
                conflicts.require_free(connection, placement.resource_key, placement.period, keys, owner, planned)
    for placement in moved:
        expire_holds.delete_expired(placement.period, resource_key=placement.resource_key)
