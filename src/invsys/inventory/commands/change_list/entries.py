"""The entries of a change list: the change of one allocation each, and the values that result from it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection

from invsys.chassis.http import problems
from invsys.chassis.http.problems import Problem
from invsys.inventory.caller import Caller
from invsys.inventory.commands import locked_allocation, update_allocation
from invsys.inventory.db.models import Row
from invsys.inventory.errors import VersionMismatch
from invsys.inventory.period import Period


@dataclass(frozen=True)
class Entry:
    """An entry: its position in the list, the id of the allocation, and the version that it must have (None: any).

    ``changes`` are as ``schemas.ListedChange`` loads them.
    """

    index: int
    allocation_id: uuid.UUID
    version: int | None
    changes: dict[str, Any]

    @property
    def moves_to_any(self) -> bool:
        """Whether the allocation moves to any other free vehicle."""
        return "attributes" in self.changes

    @property
    def vehicle_id(self) -> uuid.UUID | None:
        """The id of the vehicle to which the caller moves the allocation, or None."""
        vehicle_id: uuid.UUID | None = self.changes.get("resource_id")
        return vehicle_id

    def require_present(self, connection: Connection, row: Row | None, resource_type: str, owner: str | None) -> Row:
        """Return the row of the allocation; raises AllocationNotFound, Archived, HoldExpired, VersionMismatch."""
        row = locked_allocation.require_present(connection, row, resource_type, self.allocation_id, owner)
        self.require_version(row)
        return row

    def require_version(self, row: Row) -> None:
        """Raise VersionMismatch if the row has another version than the entry."""
        if self.version not in (None, row["version"]):
            mismatch = VersionMismatch(row["version"], f"The allocation {self.allocation_id} has another version.")
            mismatch.members["version"] = row["version"]
            raise mismatch


@dataclass(frozen=True)
class Placement:
    """The result of an entry: the row before the change, and the new values of its columns.

    ``hold_seconds`` are the seconds from now until the hold expires (None: not extended). ``vehicle`` has
    ``closed_from`` and ``archived_until`` of the vehicle in the new values.
    """

    entry: Entry
    row: Row
    values: dict[str, Any]
    hold_seconds: int | None
    vehicle: Row

    @property
    def key(self) -> int:
        """The key of the allocation."""
        key: int = self.row["key"]
        return key

    @property
    def resource_key(self) -> int:
        """The key of the vehicle."""
        key: int = self.values["resource_key"]
        return key

    @property
    def period(self) -> Period:
        """The period."""
        return Period(self.values["starts"], self.values["ends"])

    @property
    def is_moved(self) -> bool:
        """Whether the allocation gets another vehicle or another period."""
        return any(self.values[name] != self.row[name] for name in ("resource_key", "starts", "ends"))

    def require_open(self) -> None:
        """Raise ResourceClosed or ArchivedPeriod if the change allocates additional time that is closed or archived."""
        update_allocation.require_open(self.row, self.values, self.vehicle)

    def overlaps(self, other: "Placement") -> bool:
        """Return whether both allocations would have the same vehicle at the same time."""
        return self.resource_key == other.resource_key and self.period.overlaps(other.period)


def place(entry: Entry, row: Row, vehicle: Row | None, caller: Caller) -> Placement:
    """Apply an entry to the row of its allocation, which moves to ``vehicle``.

    If ``vehicle`` is None, the allocation stays on its vehicle, or, if the entry names a vehicle, that one was not
    found. Raises marshmallow's ValidationError in this case, and if the changes do not fit the row. Whether the vehicle
    is closed is not checked.
    """
    changes = entry.changes if vehicle is None else {**entry.changes, "resource_id": vehicle["id"]}
    with_vehicle = {**row, "new_resource_key": None if vehicle is None else vehicle["key"]}
    values, hold_seconds = update_allocation.new_values(with_vehicle, changes, caller)
    return Placement(entry, row, values, hold_seconds, row if vehicle is None else vehicle)


@contextmanager
def naming(entry: Entry) -> Iterator[None]:
    """Add the index of the entry to each problem that is raised in the block.

    A ValidationError becomes InvalidFields, with the index in the names of the fields.
    """
    try:
        yield
    except ValidationError as error:
        raise problems.invalid_fields(error, prefix=f"changes.{entry.index}.") from error
    except Problem as problem:
        problem.members["index"] = entry.index
        raise
