"""The plan of an attempt: the rows of the allocations, and the vehicles of those that move to any, without locks."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from invsys.inventory.caller import Caller
from invsys.inventory.commands import locked_allocation
from invsys.inventory.commands.change_list import rows as row_statements
from invsys.inventory.commands.change_list.entries import Entry, Placement, naming, place
from invsys.inventory.db import session
from invsys.inventory.db.models import Row
from invsys.inventory.errors import NoneAvailable
from invsys.inventory.queries import free_vehicles

Rows = dict[uuid.UUID, Row]


@dataclass(frozen=True)
class Plan:
    """The row of each allocation, and the vehicle chosen for each entry that moves to any, by the id of the allocation.

    Both can be outdated when the rows are locked. The attempt then begins again.
    """

    rows: Rows
    choices: Rows


def make(resource_type: str, entries: Sequence[Entry], caller: Caller) -> Plan:
    """Read the rows and choose the vehicles.

    Raises the problems of the entries: AllocationNotFound, HoldExpired, VersionMismatch, InvalidFields, NoneAvailable.
    """
    choosing = [entry for entry in entries if entry.moves_to_any]
    # A vehicle is chosen from the same state that the rows are read from.
    with session.snapshot() if choosing else session.read() as connection:
        ids = [entry.allocation_id for entry in entries]
        rows = locked_allocation.find(connection, resource_type, ids, caller.owner)
        for entry in entries:
            with naming(entry):
                entry.require_present(connection, rows.get(entry.allocation_id), resource_type, caller.owner)
        if not choosing:
            return Plan(rows, {})
        staying = [entry for entry in entries if not entry.moves_to_any]
        placements = _place(connection, resource_type, staying, rows, caller)
        return Plan(rows, _choose(connection, resource_type, choosing, placements, rows, caller))


def _place(
    connection: Connection, resource_type: str, entries: Sequence[Entry], rows: Rows, caller: Caller
) -> list[Placement]:
    ids = [entry.changes["resource_id"] for entry in entries if "resource_id" in entry.changes]
    vehicles = row_statements.find_vehicles(connection, resource_type, ids)
    placements = []
    for entry in entries:
        with naming(entry):
            vehicle = vehicles.get(entry.changes.get("resource_id"))
            placements.append(place(entry, rows[entry.allocation_id], vehicle, caller))
    return placements


def _choose(
    connection: Connection,
    resource_type: str,
    entries: Sequence[Entry],
    placements: Sequence[Placement],
    rows: Rows,
    caller: Caller,
) -> Rows:
    """Choose a vehicle for each entry in turn: one that is free after ``placements`` and the entries before it."""
    taken, choices = list(placements), {}
    listed_keys = [row["key"] for row in rows.values()]
    for entry in entries:
        with naming(entry):
            staying = place(entry, rows[entry.allocation_id], None, caller)
            excluded = {staying.resource_key}
            excluded |= {other.resource_key for other in taken if other.period.overlaps(staying.period)}
            params = {**staying.values, "resource_type": resource_type, "attributes": entry.changes["attributes"]}
            vehicle = free_vehicles.find_other(connection, params, listed_keys, sorted(excluded))
            if vehicle is None:
                raise NoneAvailable("No other vehicle that fits is available for the whole period.")
        choices[entry.allocation_id] = vehicle
        taken.append(replace(staying, values={**staying.values, "resource_key": vehicle["key"]}))
    return choices
