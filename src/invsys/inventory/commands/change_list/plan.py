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
    """The row of each allocation, and the id of the vehicle chosen for each one that moves to any; by allocation id.

    Both can be outdated when the rows are locked. The attempt then begins again.
    """

    rows: Rows
    choices: dict[uuid.UUID, uuid.UUID]


def make(resource_type: str, entries: Sequence[Entry], caller: Caller) -> Plan:
    """Read the rows and choose the vehicles.

    Raises the problems of the entries: AllocationNotFound, HoldExpired, VersionMismatch, InvalidFields, NoneAvailable.
    """
    to_any = [entry for entry in entries if entry.moves_to_any]
    # The rows and the vehicles that are free must be of the same state.
    with session.snapshot() if to_any else session.read() as connection:
        ids = [entry.allocation_id for entry in entries]
        rows = locked_allocation.find(connection, resource_type, ids, caller.owner)
        for entry in entries:
            with naming(entry):
                entry.require_present(connection, rows.get(entry.allocation_id), resource_type, caller.owner)
        if not to_any:
            return Plan(rows, {})
        others = [entry for entry in entries if not entry.moves_to_any]
        placements = _place(connection, resource_type, others, rows, caller)
        return Plan(rows, _choose(connection, resource_type, to_any, placements, rows, caller))


def _place(
    connection: Connection, resource_type: str, entries: Sequence[Entry], rows: Rows, caller: Caller
) -> list[Placement]:
    ids = [entry.vehicle_id for entry in entries if entry.vehicle_id is not None]
    vehicles = row_statements.find_vehicles(connection, resource_type, ids)
    placements = []
    for entry in entries:
        vehicle = None if entry.vehicle_id is None else vehicles.get(entry.vehicle_id)
        with naming(entry):
            placements.append(place(entry, rows[entry.allocation_id], vehicle, caller))
    return placements


def _choose(
    connection: Connection,
    resource_type: str,
    entries: Sequence[Entry],
    placements: Sequence[Placement],
    rows: Rows,
    caller: Caller,
) -> dict[uuid.UUID, uuid.UUID]:
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
        choices[entry.allocation_id] = vehicle["id"]
        taken.append(replace(staying, values={**staying.values, "resource_key": vehicle["key"]}))
    return choices
