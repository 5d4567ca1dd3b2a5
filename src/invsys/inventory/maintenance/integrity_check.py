"""The integrity check: it verifies that no allocations overlap, and that the database rejects overlaps."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Executable, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from invsys.inventory.db import session
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.postgresql import index_growth
from invsys.inventory.errors import UnusableDatabase
from invsys.inventory.maintenance import stored_overlaps
from invsys.inventory.maintenance.stored_overlaps import Overlap

_resource, _allocation = ContinuousResource, ContinuousResourceAllocation

# The constraints, triggers and indexes that must exist. The first one rejects overlaps (on SQLite, the first two).
GUARDS = {
    "postgresql": (
        "ex_continuous_resource_allocations_no_overlap",
        "tr_continuous_resource_allocations_after_archived_insert",
        "tr_continuous_resource_allocations_after_archived_update",
        "ck_continuous_resource_allocations_period_not_empty",
        "ck_continuous_resource_allocations_starts_is_an_instant",
        "ck_continuous_resource_allocations_ends_is_an_instant",
        "fk_continuous_resource_allocations_resource_key",
        "uq_continuous_resources_name_in_circulation",
        "pk_idempotency_keys",
    ),
    "sqlite": (
        "tr_continuous_resource_allocations_no_overlap_insert",
        "tr_continuous_resource_allocations_no_overlap_update",
        "tr_continuous_resource_allocations_after_archived_insert",
        "tr_continuous_resource_allocations_after_archived_update",
        "ck_continuous_resource_allocations_period_not_empty",
        "ck_continuous_resource_allocations_starts_is_an_instant",
        "ck_continuous_resource_allocations_ends_is_an_instant",
        "fk_continuous_resource_allocations_resource_key",
        "uq_continuous_resources_name_in_circulation",
        "pk_idempotency_keys",
    ),
}

_NAMES = {
    # The names in the schema of the tables that the statements above read. current_schema() may be another schema of
    # search_path.
    "postgresql": """
        WITH tables AS (
            SELECT relnamespace FROM pg_class WHERE oid = 'continuous_resource_allocations'::regclass
        )
        SELECT conname FROM pg_constraint JOIN tables ON connamespace = relnamespace WHERE convalidated
        UNION SELECT relname FROM pg_class JOIN tables USING (relnamespace) JOIN pg_index ON indexrelid = pg_class.oid
            WHERE indisvalid
        UNION SELECT tgname FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid JOIN tables USING (relnamespace)
            WHERE tgenabled IN ('O', 'A')""",
    # SQLite stores the names of constraints only in the SQL text of the table.
    "sqlite": "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_master",
}


@dataclass(frozen=True)
class Report:
    """The result of a check; ``first_overlaps`` are the first of the ``overlaps``.

    ``unprotected`` is the number of vehicles with an allocation that could overlap an archived one
    (``stored_overlaps.count_unprotected``).
    ``has_small_index``: the index of the constraint can lose entries while it grows (``db.postgresql.index_growth``).
    """

    vehicles: int
    allocations: int
    archived_allocations: int
    overlaps: int
    first_overlaps: tuple[Overlap, ...]
    missing: tuple[str, ...]
    bypassed_constraints: tuple[str, ...]
    unprotected: int
    has_small_index: bool

    @property
    def ok(self) -> bool:
        """Whether no allocations overlap and the database rejects overlaps."""
        failures = (self.overlaps, self.missing, self.bypassed_constraints, self.unprotected, self.has_small_index)
        return not any(failures)

    @property
    def _has_more(self) -> bool:
        return len(self.first_overlaps) == stored_overlaps.MAX_FOUND

    def __str__(self) -> str:
        lines = [
            f"vehicles in circulation:  {self.vehicles}",
            f"allocations:              {self.allocations}",
            f"archived allocations:     {self.archived_allocations}",
            f"overlaps:                 {self.overlaps}",
            *(f"  {overlap}" for overlap in self.first_overlaps),
            *[f"  (the first {stored_overlaps.MAX_FOUND} pairs)"] * self._has_more,
            f"missing constraints:      {', '.join(self.missing) or 'none'}",
            f"overlaps not rejected by: {', '.join(self.bypassed_constraints) or 'none'}",
            *[f"vehicles whose archived_until is too early: {self.unprotected}"] * bool(self.unprotected),
            *["the index of the constraint has one page: run 'invsys-manage migrate'"] * self.has_small_index,
            "ok" if self.ok else "NOT OK",
        ]
        return "\n".join(lines)


def require_safe_index() -> None:
    """Raise UnusableDatabase if the index of the constraint can lose entries (``db.postgresql.index_growth``).

    Raises DatabaseUnavailable or Overloaded if that cannot be determined.
    """
    with session.read() as connection:
        if connection.dialect.name == "sqlite" or not index_growth.loses_entries(connection):
            return
    raise UnusableDatabase(
        "The index of the overlap constraint has only one page, as after a restore. PostgreSQL before version 17 can"
        " lose entries while such an index grows: run 'invsys-manage migrate', which grows it."
    )


def check() -> Report:
    """Find overlaps, look for missing constraints, and try to store overlaps; return a report. Nothing is changed."""
    with session.maintenance() as connection:
        dialect = connection.dialect.name
        in_circulation = ContinuousResource.decommissioned.is_(None)
        names = " ".join(connection.scalars(text(_NAMES[dialect]))).split()
        overlaps = stored_overlaps.count(connection)
        return Report(
            vehicles=connection.scalar(select(func.count()).where(in_circulation)) or 0,
            allocations=connection.scalar(select(func.count()).select_from(ContinuousResourceAllocation)) or 0,
            archived_allocations=connection.scalar(select(func.count()).select_from(ARCHIVED_ALLOCATIONS)) or 0,
            overlaps=overlaps,
            first_overlaps=stored_overlaps.find(connection) if overlaps else (),
            missing=tuple(name for name in GUARDS[dialect] if name not in names),
            bypassed_constraints=_bypassed_constraints(),
            unprotected=stored_overlaps.count_unprotected(connection),
            has_small_index=dialect == "postgresql" and index_growth.is_due(connection),
        )


def _bypassed_constraints() -> tuple[str, ...]:
    """Try to make allocations of a temporary vehicle overlap, then roll back; return the statements that succeeded."""
    vehicle = {"id": uuid.uuid4(), "resource_type": "probe", "name": uuid.uuid4().hex}
    with session.transaction() as connection:
        savepoint = connection.begin_nested()
        key = connection.scalar(insert(_resource).values(vehicle).returning(_resource.key))
        first, second = (
            insert(_allocation).values(id=uuid.uuid4(), resource_key=key, starts=start, ends=end)
            for start, end in ((_instant(1), _instant(2)), (_instant(2), _instant(3)))
        )
        connection.execute(first)
        connection.execute(second)
        connection.execute(update(_resource).where(_resource.key == key).values(archived_until=_instant(1)))
        other, of_vehicle = first.values(id=uuid.uuid4()), update(_allocation).where(_allocation.resource_key == key)
        first_of_vehicle, second_of_vehicle = (of_vehicle.where(_allocation.starts == _instant(day)) for day in (1, 2))
        attempts = {
            "INSERT": other,
            "UPDATE": second_of_vehicle.values(starts=_instant(1)),
            "INSERT before archived_until": other.values(starts=None, ends=_instant(1)),
            "UPDATE before archived_until": first_of_vehicle.values(starts=None),
        }
        succeeded = tuple(name for name, statement in attempts.items() if _succeeds(connection, statement))
        savepoint.rollback()
    return succeeded


def _instant(day: int) -> datetime:
    return datetime(2000, 1, day, tzinfo=UTC)


def _succeeds(connection: Connection, statement: Executable) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError:
        return False
    return True
