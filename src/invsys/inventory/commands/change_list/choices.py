"""Chooses a vehicle for each entry that moves its allocation to any free vehicle. Nothing is locked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection

from invsys.inventory.caller import Caller
from invsys.inventory.commands import locked_allocation
from invsys.inventory.commands.change_list import rows as row_statements
from invsys.inventory.commands.change_list.entries import Entry, Placement, naming, place
from invsys.inventory.db import session
from invsys.inventory.db.models import Row
from invsys.inventory.queries import free_vehicles

Rows = Mapping[uuid.UUID, Row]


class Choice(NamedTuple):
    """The vehicle that was chosen for an allocation, and the key of the vehicle that the allocation leaves."""

    vehicle_id: uuid.UUID
    old_resource_key: int


def choose(resource_type: str, entries: Sequence[Entry], caller: Caller) -> dict[uuid.UUID, Choice]:
    """Return a choice for each entry that moves its allocation to any free vehicle, by the id of the allocation.

    Each entry in turn gets a vehicle that will be free after the entries with a fixed vehicle and the earlier choices
    have been applied. Raises the problems of the entries: AllocationNotFound, HoldExpired, VersionMismatch,
    InvalidFields, ResourceClosed, NoneAvailable.
    """
    to_any = [entry for entry in entries if entry.moves_to_any]
    if not to_any:
        return {}
    # The rows and the free vehicles must come from the same state of the database.
    with session.snapshot() as connection:
        ids = [entry.allocation_id for entry in entries]
        rows = locked_allocation.find(connection, resource_type, ids, caller.owner)
        for entry in entries:
            with naming(entry):
                entry.require_present(connection, rows.get(entry.allocation_id), resource_type, caller.owner)
        others = [entry for entry in entries if not entry.moves_to_any]
        placements = _place(connection, resource_type, others, rows, caller)
        return _choose(connection, to_any, placements, rows, caller)


def _place(
    connection: Connection, resource_type: str, entries: Sequence[Entry], rows: Rows, caller: Caller
) -> list[Placement]:
    ids = [entry.vehicle_id for entry in entries if entry.vehicle_id is not None]
    vehicles = row_statements.find_vehicles(connection, resource_type, ids)
    placements = []
    for entry in entries:
        vehicle = None if entry.vehicle_id is None else vehicles.get(entry.vehicle_id)
        with naming(entry):
            placement = place(entry, rows[entry.allocation_id], vehicle, caller)
            placement.require_open()
        placements.append(placement)
    return placements


def _choose(
    connection: Connection, entries: Sequence[Entry], placements: Sequence[Placement], rows: Rows, caller: Caller
) -> dict[uuid.UUID, Choice]:
    taken, choices = list(placements), {}
    listed_keys = [row["key"] for row in rows.values()]
    for entry in entries:
        with naming(entry):
            unmoved = place(entry, rows[entry.allocation_id], None, caller)
            vehicle = _free_vehicle(connection, unmoved, taken, listed_keys)
        choices[entry.allocation_id] = Choice(vehicle["id"], unmoved.resource_key)
        taken.append(replace(unmoved, values={**unmoved.values, "resource_key": vehicle["key"]}))
    return choices


def _free_vehicle(
    connection: Connection, unmoved: Placement, taken: Sequence[Placement], listed_keys: Sequence[int]
) -> Row:
    """Return a vehicle that will be free for the new period of an allocation.

    ``unmoved`` is the result of its entry, still with the old vehicle. ``taken`` are the results of the entries with a
    fixed vehicle and of the earlier choices. ``listed_keys`` are the keys of all allocations in the change list.
    """
    conflicting = {other.resource_key for other in taken if other.period.overlaps(unmoved.period)}
    params = {
        **unmoved.values,
        "resource_type": unmoved.row["resource_type"],
        "attributes": unmoved.entry.changes["attributes"],
    }
    excluded = sorted(conflicting | {unmoved.resource_key})
    return free_vehicles.require_other(connection, params, listed_keys, excluded)
