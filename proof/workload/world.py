"""What a caller knows: the vehicles and allocations that it has seen, possibly outdated."""

import random
from typing import Any

from proof.workload.timetable import TYPES

Row = dict[str, Any]

_MAX_ALLOCATIONS = 150
_COLLECTIONS = {kind: collection for collection, kind in TYPES.items()}


class World:
    """The last seen state of vehicles and allocations."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.vehicles: dict[str, list[Row]] = {collection: [] for collection in TYPES}
        self._allocations: dict[str, Row] = {}

    def collection(self) -> str:
        """Return a random collection."""
        return "cars" if self._chance.random() < 0.6 else "lorries"

    def vehicle(self, collection: str) -> Row | None:
        """Return a random vehicle, or None if none is known."""
        vehicles = self.vehicles[collection]
        return self._chance.choice(vehicles) if vehicles else None

    def allocation(self, status: str | None = None) -> Row | None:
        """Return a random allocation with this status (None: any), or None if none is found."""
        candidates = list(self._allocations.values())
        for _ in range(8 if candidates else 0):
            row = self._chance.choice(candidates)
            if status in (None, row["status"]):
                return row
        return None

    def allocations(self, collection: str, number: int) -> list[Row]:
        """Return up to ``number`` random allocations of a collection."""
        rows = [row for row in self._allocations.values() if row["resource_type"] == TYPES[collection]]
        return self._chance.sample(rows, min(number, len(rows)))

    def see(self, *rows: Row) -> None:
        """Remember the state of allocations."""
        for row in rows:
            self._allocations[row["id"]] = row
        while len(self._allocations) > _MAX_ALLOCATIONS:
            del self._allocations[next(iter(self._allocations))]

    def forget(self, row: Row) -> None:
        """Forget an allocation that no longer exists."""
        self._allocations.pop(row["id"], None)


def path(row: Row, *, of_all: bool) -> str:
    """Return the path of an allocation: of its vehicle, or ``of_all``."""
    collection = _COLLECTIONS[row["resource_type"]]
    vehicle = "all" if of_all else row["resource_id"]
    return f"/api/{collection}/{vehicle}/allocations/{row['id']}"


def collection_of(row: Row) -> str:
    """Return the collection of a vehicle or an allocation."""
    return _COLLECTIONS[row["resource_type"]]
