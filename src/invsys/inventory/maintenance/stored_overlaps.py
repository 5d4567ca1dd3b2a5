"""Overlapping allocations in the database, which can only be stored while the constraint or triggers are missing.

Archived allocations count as well.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, Uuid, text

from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period

# The maximum number of pairs that ``find`` returns.
MAX_FOUND = 20

_COLUMNS = "key, id, resource_key, starts, ends"
_ALLOCATIONS = (
    f"(SELECT {_COLUMNS} FROM continuous_resource_allocations"  # noqa: S608 - constants only
    f" UNION ALL SELECT {_COLUMNS} FROM archived_allocations)"
)
# Vehicles with an archived allocation that ends after ``archived_until``, or another one that starts before it. New
# allocations could overlap the former, and those were not rejected. Lists read the archive only up to the instant in
# cursor_state.
_UNPROTECTED = """
    SELECT count(*) FROM continuous_resources AS resource WHERE EXISTS (
        SELECT 1 FROM archived_allocations AS archived WHERE archived.resource_key = resource.key
            AND (resource.archived_until IS NULL OR archived.ends > resource.archived_until)
    ) OR EXISTS (
        SELECT 1 FROM continuous_resource_allocations AS allocation WHERE allocation.resource_key = resource.key
            AND resource.archived_until IS NOT NULL
            AND (allocation.starts IS NULL OR allocation.starts < resource.archived_until)
    ) OR resource.archived_until IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM cursor_state AS state WHERE state.archived_until >= resource.archived_until
    )"""

# Compare each start with the latest end of all allocations that start before it, so that the count is correct even if
# several allocations overlap.
_OVERLAPPING = """
    SELECT * FROM (
        SELECT key, id, resource_key, starts, ends, coalesce(starts, {earliest}) AS start, max(coalesce(ends, {latest}))
            OVER (
                PARTITION BY resource_key ORDER BY starts NULLS FIRST, key
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS latest_end
        FROM {allocations} AS allocation
    ) AS ordered WHERE latest_end > start"""
# Each of these with the allocations that precede it in the same order and have not ended when it starts.
_PAIRS = """
    SELECT resource_type, name, resource.id AS resource_id, earlier.id AS earlier_id, earlier.starts AS earlier_starts,
        earlier.ends AS earlier_ends, later.id AS later_id, later.starts AS later_starts, later.ends AS later_ends
    FROM ({overlapping} ORDER BY resource_key, start, key LIMIT {limit}) AS later
    JOIN {allocations} AS earlier ON earlier.resource_key = later.resource_key
        AND (coalesce(earlier.starts, {earliest}), earlier.key) < (later.start, later.key)
        AND coalesce(earlier.ends, {latest}) > later.start
    JOIN continuous_resources AS resource ON resource.key = later.resource_key
    ORDER BY later.resource_key, later.start, later.key, earlier.starts NULLS FIRST, earlier.key LIMIT {limit}"""
# The values that replace null.
_INFINITY = {
    "postgresql": {"earliest": "timestamptz '-infinity'", "latest": "timestamptz 'infinity'"},
    "sqlite": {"earliest": "''", "latest": "'~'"},
}
_SIDES = ("earlier", "later")
_TYPES: dict[str, Any] = {
    "resource_type": String,
    "name": String,
    "resource_id": Uuid,
    **{f"{side}_id": Uuid for side in _SIDES},
    **{f"{side}_{bound}": UtcDateTime for side in _SIDES for bound in ("starts", "ends")},
}


@dataclass(frozen=True)
class Overlap:
    """Two allocations of a vehicle that overlap, each with its id and its period, in the order of their starts."""

    resource_type: str
    name: str
    resource_id: uuid.UUID
    earlier: tuple[uuid.UUID, Period]
    later: tuple[uuid.UUID, Period]

    def __str__(self) -> str:
        one, other = (f"{allocation_id} ({period})" for allocation_id, period in (self.earlier, self.later))
        return f"{self.resource_type} {self.name} ({self.resource_id}): allocation {one} overlaps {other}"


def count(connection: Connection) -> int:
    """Return the number of allocations that overlap one with an earlier start, or with the same start."""
    statement = f"SELECT count(*) FROM ({_OVERLAPPING}) AS overlapping"  # noqa: S608 - constants only
    return connection.scalar(text(statement.format(**_names(connection)))) or 0


def count_unprotected(connection: Connection) -> int:
    """Return the number of vehicles whose ``archived_until`` does not separate archived allocations from others."""
    return connection.scalar(text(_UNPROTECTED)) or 0


def _names(connection: Connection) -> dict[str, str]:
    return {"allocations": _ALLOCATIONS, **_INFINITY[connection.dialect.name]}


def find(connection: Connection) -> tuple[Overlap, ...]:
    """Return the first ``MAX_FOUND`` pairs of overlapping allocations, by vehicle and start."""
    names = _names(connection)
    statement = _PAIRS.format(overlapping=_OVERLAPPING.format(**names), limit=MAX_FOUND, **names)
    return tuple(_read(connection.execute(text(statement).columns(**_TYPES))))


def _read(rows: Any) -> Iterator[Overlap]:
    for row in rows.mappings():
        earlier, later = ((row[f"{side}_id"], Period(row[f"{side}_starts"], row[f"{side}_ends"])) for side in _SIDES)
        yield Overlap(row["resource_type"], row["name"], row["resource_id"], earlier, later)
