"""The free and busy periods of vehicles within a window."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from invsys.inventory.db.models import Row
from invsys.inventory.period import Period, free_and_busy, with_closure
from invsys.inventory.queries import conflicts
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.queries.cursors import SortKey


def of_one(resource_type: str, resource_id: uuid.UUID, window: Period) -> dict[str, Any]:
    """Return the free and busy periods of a vehicle, for ``schemas.Availability`` to dump; it is busy while closed.

    Raises ResourceNotFound.
    """
    vehicle = resource_queries.resource(resource_type, resource_id)
    return _availability(vehicle, conflicts.busy_periods(vehicle["key"], window), window)


def of_all(
    resource_type: str,
    limit: int,
    window: Period,
    cursor: SortKey | None = None,
    resource_ids: Collection[uuid.UUID] | None = None,
) -> list[dict[str, Any]]:
    """Return the same as ``of_one`` for up to ``limit`` vehicles, oldest first, beginning after ``cursor``.

    The vehicles are those with ``resource_ids`` (None: all) that are of the type and in circulation. The cursor is the
    ``sort_key_by_age`` of the last vehicle of the previous page.
    """
    vehicles = resource_queries.resources(resource_type, limit, cursor, resource_ids=resource_ids)
    busy = defaultdict(list)
    for allocation in conflicts.allocations_of([vehicle["key"] for vehicle in vehicles], window):
        busy[allocation["resource_key"]].append(allocation)
    return [_availability(vehicle, busy[vehicle["key"]], window) for vehicle in vehicles]


def _availability(vehicle: Row, allocations: Iterable[Row], window: Period) -> dict[str, Any]:
    allocated = (Period(row["starts"], row["ends"]) for row in allocations)
    free, busy = free_and_busy(with_closure(allocated, vehicle["closed_from"], window), window)
    ids = {"key": vehicle["key"], "resource_id": vehicle["id"]}
    return {**ids, "start": window.start, "end": window.end, "free": free, "busy": busy}
