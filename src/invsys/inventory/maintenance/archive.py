"""The archive: moves allocations that ended long ago to a table without the exclusion constraint.

Each batch is one transaction, which also stores ``archived_until`` of its vehicles. A run can therefore be interrupted
at any point, and several can run at once. A batch is small and skips vehicles that another transaction has locked, so
requests wait for milliseconds at most; the skipped vehicles are tried again at the end.

Of each vehicle, the earliest allocations move, up to the first one that has to stay: one that has not ended before the
cutoff, or a hold. Therefore all that stay, and all later ones, start at ``archived_until`` or later, and none of them
can overlap an archived one.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice, pairwise
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Float,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from invsys.chassis.cli import interrupts
from invsys.inventory.commands import expire_holds
from invsys.inventory.db import session
from invsys.inventory.db.functions import in_subquery, json_array_elements, latest, now_plus
from invsys.inventory.db.models import (
    ARCHIVED_ALLOCATIONS,
    ContinuousResource,
    ContinuousResourceAllocation,
    CursorState,
)
from invsys.inventory.db.predicates import ONE
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")

# Vehicles that a transaction locks, and allocations of each that it moves, at most.
_VEHICLES, _OF_VEHICLE = 50, 20
# The range of keys in which one statement looks for vehicles.
_RANGE = 10_000
# How often the whole fleet is examined, if vehicles are locked.
_PASSES = 5
# Allocations after which the progress is logged.
_PROGRESS = 100_000
# The oldest revision of a version of the service that knows the archive.
_REVISION = "0009"

_resource, _allocation = ContinuousResource, ContinuousResourceAllocation
_first, _earliest = aliased(_allocation), aliased(_allocation)
_CUTOFF = bindparam("cutoff", type_=UtcDateTime)


def _is_old(table: Any) -> ColumnElement[bool]:
    return and_(table.expires.is_(None), table.ends <= _CUTOFF)


def _first_of_vehicle(column: Any, table: Any, limit: Any) -> Any:
    """Select a column of the allocations of the outer statement's vehicle that start first."""
    # With "=" for the vehicle, PostgreSQL may scan the index of all vehicles' starts (``predicates.last_before``).
    of_vehicle = (table.resource_key >= _resource.key, table.resource_key <= _resource.key)
    rows = select(column).where(*of_vehicle).order_by(table.resource_key, table.starts.nulls_first())
    return rows.limit(limit).correlate(_resource).scalar_subquery()


def _listed(column: Any, name: str) -> ColumnElement[bool]:
    return in_subquery(column, json_array_elements(bindparam(name, type_=JSON)))


# Vehicles whose first allocation is old.
_FIND = (
    select(_resource.key)
    .where(_resource.key > bindparam("after"), _resource.key <= bindparam("last"))
    .where(_first_of_vehicle(_is_old(_first), _first, ONE))
    .order_by(_resource.key)
    .limit(literal_column(str(_VEHICLES)))
)
# FOR UPDATE, although the UPDATE takes a lock: a create would not wait for that weaker one, and could allocate a period
# that begins before the new ``archived_until``. Decommissioned vehicles are included.
_LOCK = (
    select(_resource.key)
    .where(_listed(_resource.key, "vehicles"))
    .order_by(_resource.key)
    .with_for_update(skip_locked=True)
)
# One more allocation of each vehicle than is moved, because the next one decides whether an allocation can move.
_FIRST_KEYS = _first_of_vehicle(_earliest.key, _earliest, literal_column(str(_OF_VEHICLE + 1)))
_EARLIEST = (
    select(_allocation.key, _allocation.resource_key, _allocation.starts, _allocation.ends)
    .add_columns(_is_old(_allocation).label("is_old"))
    .join(_resource, in_subquery(_allocation.key, _FIRST_KEYS))
    .where(_listed(_resource.key, "vehicles"))
    .order_by(_allocation.resource_key, _allocation.starts.nulls_first())
)
# The lock and the second check are for programs that change an allocation without a lock on its vehicle.
_COPIED = select(*_allocation.__table__.columns).where(_listed(_allocation.key, "keys"), _is_old(_allocation))
_INSERT = (
    insert(ARCHIVED_ALLOCATIONS)
    .from_select([column.name for column in ARCHIVED_ALLOCATIONS.columns], _COPIED.with_for_update())
    .returning(ARCHIVED_ALLOCATIONS.c.key, ARCHIVED_ALLOCATIONS.c.resource_key, ARCHIVED_ALLOCATIONS.c.ends)
)
_DELETE = delete(_allocation).where(_listed(_allocation.key, "keys"))
_UNTIL = bindparam("until", type_=UtcDateTime)
_SET_OF_VEHICLE = (
    update(_resource.__table__)
    .where(_resource.__table__.c.key == bindparam("vehicle"))
    .values(archived_until=latest(_resource.archived_until, _UNTIL))
)
_SET_OF_ALL = update(CursorState).values(archived_until=latest(CursorState.archived_until, _UNTIL))
_REQUIRE_REVISION = text("UPDATE alembic_version SET compatible_revision = :new WHERE compatible_revision < :new")
_CREATE_PARTITION = select(func.create_archive_partition(bindparam("ended", type_=UtcDateTime)))


@dataclass
class Archived:
    """The progress of a run; ``skipped`` is the number of vehicles that other transactions had locked."""

    allocations: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        note = f"\nvehicles in use, left for the next run: {self.skipped}" if self.skipped else ""
        return f"archived allocations: {self.allocations}{note}"


class _Run:
    def __init__(self, cutoff: datetime, progress: Archived) -> None:
        self._cutoff, self._progress = cutoff, progress
        # The first days of months that have a partition.
        self._months: set[datetime] = set()

    def examine_fleet(self) -> None:
        """Archive what is old, except allocations of vehicles that are locked."""
        self._progress.skipped = 0
        with session.read() as connection:
            newest: int = connection.scalar(select(func.max(_resource.key))) or 0
        after = 0
        while after < newest:
            last = after + _RANGE
            with session.read() as connection:
                params = {"after": after, "last": last, "cutoff": self._cutoff}
                vehicles = connection.scalars(_FIND, params).all()
            if vehicles:
                self._archive(vehicles)
            after = vehicles[-1] if len(vehicles) == _VEHICLES else last

    def _archive(self, vehicles: Sequence[int]) -> None:
        """Archive what is old of these vehicles, in several transactions if there is more than one can move."""
        remaining = set(vehicles)
        while remaining:
            with session.read() as connection:
                self._create_partitions(_movable(self._read(connection, remaining)))
            with interrupts.deferred():
                with session.transaction() as connection:
                    locked = set(connection.scalars(_LOCK, {"vehicles": list(remaining)}))
                    moved = self._move(connection, locked)
                self._progress.skipped += len(remaining - locked)
                self._count(sum(moved.values()))
            remaining = {vehicle for vehicle, count in moved.items() if count == _OF_VEHICLE}

    def _read(self, connection: Connection, vehicles: set[int]) -> Sequence[Any]:
        return connection.execute(_EARLIEST, {"vehicles": list(vehicles), "cutoff": self._cutoff}).all()

    def _create_partitions(self, rows: Iterator[Any]) -> None:
        """Create the partitions of these rows, before vehicles are locked: it may have to wait."""
        for month in {_month(row.ends) for row in rows} - self._months:
            with session.transaction() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(_CREATE_PARTITION, {"ended": month})
            self._months.add(month)

    def _move(self, connection: Connection, vehicles: set[int]) -> dict[int, int]:
        """Move the first old allocations of locked vehicles; return the number of each vehicle."""
        # An allocation that was created meanwhile can end in a month that has no partition yet.
        keys = [row.key for row in _movable(self._read(connection, vehicles), self._months)]
        moved = connection.execute(_INSERT, {"keys": keys, "cutoff": self._cutoff}).all()
        deleted = connection.execute(_DELETE, {"keys": [row.key for row in moved]}).rowcount
        if deleted != len(moved):
            raise RuntimeError(f"The database deleted {deleted} of {len(moved)} archived allocations.")
        ends = defaultdict(list)
        for row in moved:
            ends[row.resource_key].append(row.ends)
        if ends:
            until = [{"vehicle": vehicle, "until": max(ends[vehicle])} for vehicle in sorted(ends)]
            connection.execute(_SET_OF_VEHICLE, until)
            connection.execute(_SET_OF_ALL, {"until": max(row["until"] for row in until)})
            connection.execute(_REQUIRE_REVISION, {"new": _REVISION})
        return {vehicle: len(ends_of_vehicle) for vehicle, ends_of_vehicle in ends.items()}

    def _count(self, moved: int) -> None:
        before = self._progress.allocations
        self._progress.allocations += moved
        if before // _PROGRESS < self._progress.allocations // _PROGRESS:
            # The vehicles that were skipped are tried again in this run.
            logger.info("archived allocations until now: %d", self._progress.allocations)


def archive(keep_days: float, progress: Archived) -> None:
    """Move confirmed allocations that ended more than ``keep_days`` ago, and update ``progress``.

    Raises DatabaseUnavailable, Overloaded, UnusableDatabase if the archive refuses an allocation, and KeyboardInterrupt
    between two transactions; ``progress`` then contains the number so far.
    """
    # An expired hold would keep all later allocations of its vehicle out of the archive.
    expire_holds.delete_all_expired()
    with session.read() as connection:
        cutoff = connection.execute(select(now_plus(bindparam("seconds", -keep_days * 86400, Float)))).scalar_one()
    run = _Run(cutoff, progress)
    try:
        for _ in range(_PASSES):
            run.examine_fleet()
            if not progress.skipped:
                return
    except IntegrityError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise UnusableDatabase(f"The archive does not accept an allocation: {reason}; {progress}") from error


def _month(instant: datetime) -> datetime:
    return datetime(instant.year, instant.month, 1, tzinfo=UTC)


def _movable(rows: Sequence[Any], months: Collection[datetime] | None = None) -> Iterator[Any]:
    """Yield the rows that can move, of the first rows of each vehicle; each ends in one of the ``months`` (None: any).

    Each ends before the next one starts. Allocations that overlap, from a time without the constraint, stay. So do all
    that follow one that stays.
    """
    for _, group in groupby(rows, key=lambda row: row.resource_key):
        for row, following in islice(pairwise([*group, None]), _OF_VEHICLE):
            if not row.is_old or (following is not None and (following.starts is None or following.starts < row.ends)):
                break
            if months is not None and _month(row.ends) not in months:
                break
            yield row
