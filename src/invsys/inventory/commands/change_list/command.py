"""The command: locks the vehicles, deletes the allocations, applies the changes and inserts the allocations again."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from invsys.inventory import attributes, counters
from invsys.inventory.caller import NO_CALLER, Caller
from invsys.inventory.commands import expire_holds, locked_allocation
from invsys.inventory.commands.change_list import choices as any_vehicles
from invsys.inventory.commands.change_list import rows as row_statements
from invsys.inventory.commands.change_list.choices import Choice, Rows
from invsys.inventory.commands.change_list.entries import Entry, Placement, naming, place
from invsys.inventory.commands.idempotency import CommandResult, execute_once
from invsys.inventory.commands.update_allocation import is_confirmation
from invsys.inventory.db import failures, session
from invsys.inventory.db.models import Row
from invsys.inventory.errors import ResourceClosed
from invsys.inventory.queries import conflicts
from invsys.inventory.queries.conflicts import ArchivedPeriod


class _BeginAgain(Exception):
    """The attempt has failed because of a concurrent change: roll back its transaction, then try again."""


def apply(resource_type: str, changes: Sequence[dict[str, Any]], caller: Caller = NO_CALLER) -> CommandResult:
    """Apply all ``changes`` (as ``schemas.ListedChange`` loads them), or none; return the allocations in their order.

    Only the final result must be without conflicts, so allocations can swap vehicles or periods. Every entry counts as
    a change and has an event, even if it has no effect, because a replay of the request is built from the events.
    Entries that move to any vehicle get one that is free after the other entries have been applied (``choices``).

    Raises the problems of single entries, with the member ``index``: AllocationNotFound, HoldExpired, VersionMismatch,
    ResourceClosed, PeriodTaken, NoneAvailable, InvalidFields. Also raises IdempotencyKeyReused, Overloaded,
    DatabaseUnavailable.
    """
    entries = [_entry(index, change) for index, change in enumerate(changes)]

    def attempt(_: int) -> list[Row]:
        choices = any_vehicles.choose(resource_type, entries, caller)
        placements: list[Placement] = []
        try:
            with session.transaction() as connection:
                placements += _delete_and_place(connection, resource_type, entries, choices, caller)
                rows = row_statements.insert_allocations(connection, placements, caller)
        except _BeginAgain:
            return []
        except IntegrityError as error:
            if failures.is_duplicate_key(error):
                return []
            if not failures.is_overlap(error):
                raise
            _explain(resource_type, placements, caller.owner)
            return []
        counters.count_holds("confirmed", sum(is_confirmation(item.row, item.values) for item in placements))
        return rows

    return execute_once(caller, attempt)


def _entry(index: int, change: dict[str, Any]) -> Entry:
    changes = {name: value for name, value in change.items() if name not in ("id", "version")}
    return Entry(index, change["id"], change.get("version"), changes)


def _delete_and_place(
    connection: Connection,
    resource_type: str,
    entries: Sequence[Entry],
    choices: Mapping[uuid.UUID, Choice],
    caller: Caller,
) -> list[Placement]:
    """Lock all vehicles, delete all allocations, and apply the entries to the deleted rows."""
    ids = [entry.allocation_id for entry in entries]
    new_vehicles = {entry.allocation_id: entry.vehicle_id for entry in entries if entry.vehicle_id is not None}
    new_vehicles |= {allocation_id: choice.vehicle_id for allocation_id, choice in choices.items()}
    vehicles = row_statements.lock_vehicles(
        connection, resource_type, ids, new_vehicles.values(), caller.owner, with_attributes=bool(choices)
    )
    rows = row_statements.delete_allocations(connection, resource_type, ids, vehicles.values(), caller.owner)
    if len(rows) < len(ids):
        _raise_missing(connection, resource_type, entries, rows, caller)
    placements = []
    for entry in entries:
        row = rows[entry.allocation_id]
        vehicle = vehicles.get(new_vehicles[entry.allocation_id]) if entry.allocation_id in new_vehicles else None
        if entry.moves_to_any:
            _require_usable(choices[entry.allocation_id], entry, row, vehicle)
        with naming(entry):
            entry.require_version(row)
            placement = place(entry, row, vehicle, caller)
            _require_open(placement)
        placements.append(placement)
    return placements


def _raise_missing(
    connection: Connection, resource_type: str, entries: Sequence[Entry], rows: Rows, caller: Caller
) -> None:
    """Raise the problem of the first entry whose allocation is missing, or _BeginAgain if they have only moved."""
    missing = [entry for entry in entries if entry.allocation_id not in rows]
    remaining = locked_allocation.find(
        connection, resource_type, [entry.allocation_id for entry in missing], caller.owner
    )
    for entry in missing:
        with naming(entry):
            entry.require_present(connection, remaining.get(entry.allocation_id), resource_type, caller.owner)
    raise _BeginAgain


def _require_usable(choice: Choice, entry: Entry, row: Row, vehicle: Row | None) -> None:
    """Raise _BeginAgain if the allocation has moved since the choice, or if the chosen vehicle no longer fits."""
    if (
        row["resource_key"] != choice.old_resource_key
        or vehicle is None
        or not attributes.contain(vehicle["attributes"], entry.changes["attributes"])
    ):
        raise _BeginAgain


def _require_open(placement: Placement) -> None:
    """Raise ResourceClosed or ArchivedPeriod, or _BeginAgain if this has changed since the vehicle was chosen."""
    try:
        placement.require_open()
    except (ResourceClosed, ArchivedPeriod) as error:
        if placement.entry.moves_to_any:
            raise _BeginAgain from error
        raise


def _explain(resource_type: str, placements: Sequence[Placement], owner: str | None) -> None:
    """Raise PeriodTaken for the first entry with a conflict, or delete the expired holds that conflict.

    A conflict on a chosen vehicle is no reason to refuse the request: the next attempt chooses another vehicle.
    """
    named = [placement for placement in placements if not placement.entry.moves_to_any]
    keys = [placement.key for placement in placements]
    with session.read() as connection:
        # An allocation that stays where it was can only conflict if the database already has an overlap.
        for placement in sorted(named, key=lambda item: not item.is_moved):
            planned = [
                {**other.row, **other.values} for other in named if other is not placement and placement.overlaps(other)
            ]
            with naming(placement.entry):
                conflicts.require_free(connection, placement.resource_key, placement.period, keys, owner, planned)
    _delete_expired(resource_type, placements)


def _delete_expired(resource_type: str, placements: Sequence[Placement]) -> None:
    """Delete expired holds that can conflict with the next attempt, on every vehicle that it can use."""
    for placement in placements:
        if not placement.entry.moves_to_any:
            expire_holds.delete_expired(placement.period, resource_key=placement.resource_key)
    for period in {placement.period for placement in placements if placement.entry.moves_to_any}:
        while expire_holds.delete_expired(period, resource_type=resource_type):
            pass
