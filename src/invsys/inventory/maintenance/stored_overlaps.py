"""Overlapping allocations in the database, which can only be stored while the constraint or triggers are missing."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, Uuid, text

from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period

# The maximum number of pairs that ``find`` returns.
MAX_FOUND = 20

# Compare each start with the latest end of all allocations that start before it, so that the count is correct even if
# several allocations overlap.
_OVERLAPPING = """
    SELECT * FROM (
        SELECT key, id, resource_key, starts, ends, coalesce(starts, {earliest}) AS start, max(coalesce(ends, {latest}))
            OVER (
                PARTITION BY resource_key ORDER BY starts NULLS FIRST, key
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS latest_end
        FROM continuous_resource_allocations
    ) AS ordered WHERE latest_end > start"""
# Each of these with the allocations that precede it in the same order and have not ended when it starts.
_PAIRS = """
    SELECT resource_type, name, resource.id AS resource_id, earlier.id AS earlier_id, earlier.starts AS earlier_starts,
        earlier.ends AS earlier_ends, later.id AS later_id, later.starts AS later_starts, later.ends AS later_ends
    FROM ({overlapping} ORDER BY resource_key, start, key LIMIT {limit}) AS later
    JOIN continuous_resource_allocations AS earlier ON earlier.resource_key = later.resource_key
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
    return connection.scalar(text(statement.format(**_INFINITY[connection.dialect.name]))) or 0


def find(connection: Connection) -> tuple[Overlap, ...]:
    """Return the first ``MAX_FOUND`` pairs of overlapping allocations, by vehicle and start."""
    infinity = _INFINITY[connection.dialect.name]
    statement = _PAIRS.format(overlapping=_OVERLAPPING.format(**infinity), limit=MAX_FOUND, **infinity)
    return tuple(_read(connection.execute(text(statement).columns(**_TYPES))))


def _read(rows: Any) -> Iterator[Overlap]:
    for row in rows.mappings():
        earlier, later = ((row[f"{side}_id"], Period(row[f"{side}_starts"], row[f"{side}_ends"])) for side in _SIDES)
        yield Overlap(row["resource_type"], row["name"], row["resource_id"], earlier, later)
