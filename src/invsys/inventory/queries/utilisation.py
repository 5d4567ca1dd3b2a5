"""The query for utilisation: for each step of a window, the size of the fleet and the seconds that it is allocated.

The statement reads each allocation once. It counts and adds up the starts and the ends in each step; from these sums
follow the seconds that are allocated up to the end of a step: the time since each start, less the time since each end.
A join with the steps would read an allocation once for each step that it overlaps.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, bindparam, case, func, literal, literal_column, null, or_, select, union_all
from sqlalchemy.orm import aliased

from invsys.inventory.db import session
from invsys.inventory.db.functions import (
    by_code_point,
    earliest,
    in_subquery,
    latest,
    microseconds_since,
    seconds_since,
    step_key,
    step_number,
)
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.predicates import is_active, last_before
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import Period
from invsys.inventory.queries.archive import allocations as archive

_resource, _allocation = ContinuousResource, ContinuousResourceAllocation
_archived = ARCHIVED_ALLOCATIONS.c

# Callers choose the types of allocations, so the response limits their number and sums up the rest as OTHER_TYPES. No
# type can have that name, because a type has at most 20 characters.
MAX_TYPES = 100
OTHER_TYPES = "all other types together"

_MICROSECOND, _SECOND = timedelta(microseconds=1), timedelta(seconds=1)
_START, _END, _ORIGIN = (bindparam(name, type_=UtcDateTime) for name in ("start", "end", "origin"))
_STEP = bindparam("step_seconds", type_=BigInteger)
# The time since the window began is exact in these two parts together.
_SINCE = {"seconds": seconds_since, "microseconds": microseconds_since}
_OF_TYPE = _resource.resource_type == bindparam("resource_type")


class Step(NamedTuple):
    """A step of the window: its start, the vehicles in circulation then, and the allocated seconds in it.

    ``allocated`` are the seconds of confirmed allocations by type, ``held`` those of holds.
    """

    start: datetime
    vehicles: int
    held: int | float
    allocated: dict[str, int | float]


class _Sums(NamedTuple):
    """The number of starts in a step minus the number of ends, and the sum of the starts minus the sum of the ends.

    The sums are in microseconds since the window began.
    """

    number: int
    microseconds: int


# Sums by the number of a step. An instant counts in the first step after step 0 that begins at the instant or later.
_SumsOfSteps = Mapping[int, _Sums]


def steps(resource_type: str, window: Period, step: timedelta) -> list[Step]:
    """Return the steps of a finite window, each ``step`` long (whole seconds); the last one ends with the window.

    A decommissioned vehicle counts until the time when it was decommissioned. Raises DatabaseUnavailable.
    """
    assert window.start is not None
    assert window.end is not None
    params = {
        "resource_type": resource_type,
        "start": window.start,
        "end": window.end,
        "origin": window.start + _MICROSECOND,
        # A step that is longer than the window is shortened to the window, which gives the same result.
        "step_seconds": min(step, -(-(window.end - window.start) // _SECOND) * _SECOND) // _SECOND,
    }
    with session.snapshot() as connection:
        changes: dict[int, int] = {row.step: row.change for row in connection.execute(FLEET, params)}
        sums: dict[str | None, dict[int, _Sums]] = defaultdict(dict)
        statement = ALL_ALLOCATIONS if archive.is_reached(connection, window) else ALLOCATIONS
        for kind, number, *sums_of_step in connection.execute(statement, params):
            sums[kind][number] = _read(*sums_of_step)
    return list(_steps(window.start, _boundaries(window.end - window.start, step), changes, sums))


def _read(number: Any, seconds: Any, microseconds: Any) -> _Sums:
    """Convert the sums of PostgreSQL, which are decimals, and those of SQLite."""
    return _Sums(int(number), int(seconds * 1_000_000) + int(microseconds))


def _boundaries(length: timedelta, step: timedelta) -> list[timedelta]:
    """Return the starts of all steps, and the end of the last one, as the time since the window began."""
    return [number * step for number in range(-(-length // step))] + [length]


def _steps(
    start: datetime,
    boundaries: Sequence[timedelta],
    changes: Mapping[int, int],
    sums: Mapping[str | None, _SumsOfSteps],
) -> Iterator[Step]:
    offsets = [boundary // _MICROSECOND for boundary in boundaries]
    held = list(_allocated(sums.get(None, {}), offsets))
    allocated = {kind: list(_allocated(sums[kind], offsets)) for kind in sorted(filter(None, sums))}
    vehicles = 0
    for number, boundary in enumerate(boundaries[:-1]):
        vehicles += changes.get(number, 0)
        by_type = {kind: seconds[number] for kind, seconds in allocated.items() if seconds[number]}
        yield Step(start + boundary, vehicles, held[number], by_type)


def _allocated(sums: _SumsOfSteps, offsets: Iterable[int]) -> Iterator[int | float]:
    """Yield the allocated seconds of each step; ``offsets`` are the boundaries of the steps in microseconds."""
    number = microseconds = total = 0
    for index, offset in enumerate(offsets):
        of_step = sums.get(index, _Sums(0, 0))
        number, microseconds = number + of_step.number, microseconds + of_step.microseconds
        before, total = total, number * offset - microseconds
        if index:
            yield _seconds(total - before)


def _seconds(microseconds: int) -> int | float:
    # A single division is rounded once: 1 + 0.999999 is not the float that is nearest to 1.999999.
    return microseconds / 1_000_000 if microseconds % 1_000_000 else microseconds // 1_000_000


def _fleet() -> Select[Any]:
    """Build the statement that returns by how many vehicles each step differs from the previous one."""

    def changes(instant: Any, number: str) -> Select[Any]:
        times = (since(instant, _START) for since in _SINCE.values())
        key = case((instant > _START, _step_key(instant, *times)), else_=null()).label("key")
        return select(key, literal_column(number).label("number")).where(_OF_TYPE, instant <= _END)

    key, number = union_all(changes(_resource.created, "1"), changes(_resource.decommissioned, "-1")).subquery().c
    # The key is null for a vehicle that was registered, or decommissioned, before the window.
    step = func.coalesce(step_number(key, _ORIGIN, _STEP), literal_column("0")).label("step")
    return select(step, func.sum(number).label("change")).group_by(key)


def _allocations_of_window(*, with_archive: bool) -> Any:
    """Select the parts of allocations that are in the window, including allocations of decommissioned vehicles.

    The columns are the kind (the type; null: held), the period, and its bounds as seconds and microseconds since the
    window began. They are computed here, because SQLite would compute them again wherever an outer query uses them.
    """
    starts, ends = _allocation.starts, _allocation.ends
    rows = _parts_in_window(_allocation).where(is_active())
    reaches = or_(ends.is_(None), ends > _START)
    # A vehicle's allocations never overlap, so only the last one that starts before the window can reach into it.
    before = aliased(_allocation)
    last_keys = select(last_before(_START, before.key, table=before).scalar_subquery()).where(_OF_TYPE)
    parts = [
        rows.where(starts.is_(None), reaches),
        rows.where(in_subquery(_allocation.key, last_keys.correlate(None).scalar_subquery()), reaches),
        rows.where(starts >= _START, starts < _END),
    ]
    if with_archive:
        begins = or_(_archived.starts.is_(None), _archived.starts < _END)
        parts.append(_parts_in_window(_archived).where(_archived.ends > _START, begins))
    return union_all(*parts).subquery("allocations_of_window")


def _parts_in_window(columns: Any) -> Select[Any]:
    """Select the kind and the part in the window of all allocations in the table that has these columns."""
    kind = case((columns.expires.is_(None), columns.allocation_type), else_=null()).label("kind")
    bounds = {"starts": latest(columns.starts, _START), "ends": earliest(columns.ends, _END)}
    times = [
        since(instant, _START).label(f"{name}_{unit}")
        for name, instant in bounds.items()
        for unit, since in _SINCE.items()
    ]
    rows = select(kind, *(instant.label(name) for name, instant in bounds.items()), *times)
    return rows.join(_resource, _resource.key == columns.resource_key).where(_OF_TYPE)


def _spans(*, with_archive: bool) -> Any:
    """Group the allocations by kind and by the steps of start and end, with sums of each group.

    The statement computes the sums of each step from these groups, which are usually few. It would otherwise have to
    group the allocations twice.
    """
    rows = _allocations_of_window(with_archive=with_archive).c
    # An allocation from the start of the window on counts in the first step: the time before it is 0 in any case.
    first = _step_key(rows.starts, rows.starts_seconds, rows.starts_microseconds).label("first")
    last = _step_key(rows.ends, rows.ends_seconds, rows.ends_microseconds).label("last")
    spans = select(*rows, first, last).subquery("keyed").c
    sums = [
        func.sum(spans[name]).label(name)
        for name in ("starts_seconds", "starts_microseconds", "ends_seconds", "ends_microseconds")
    ]
    grouped = select(spans.kind, spans.first, spans.last, func.count().label("number"), *sums)
    return grouped.group_by(spans.kind, spans.first, spans.last).cte("spans")


def _step_key(instant: Any, seconds: Any, microseconds: Any) -> Any:
    return step_key(instant, seconds, microseconds, _ORIGIN, _STEP)


def _allocations(*, with_archive: bool) -> Select[Any]:
    """Build the statement that returns ``_Sums`` for each kind and step, with separate seconds and microseconds."""
    spans = _spans(with_archive=with_archive).c
    seconds = func.sum(spans.ends_seconds - spans.starts_seconds)
    microseconds = func.sum(spans.ends_microseconds - spans.starts_microseconds)
    duration = seconds * literal_column("1000000") + microseconds
    main_types = select(spans.kind).where(spans.kind.is_not(None)).group_by(spans.kind)
    main_types = main_types.order_by(duration.desc(), by_code_point(spans.kind)).limit(literal_column(str(MAX_TYPES)))
    is_main = or_(spans.kind.is_(None), spans.kind.in_(main_types))
    kind = case((is_main, spans.kind), else_=literal(OTHER_TYPES)).label("kind")
    edges = union_all(
        select(kind, spans.first.label("step"), spans.number, spans.starts_seconds, spans.starts_microseconds),
        select(kind, spans.last, -spans.number, -spans.ends_seconds, -spans.ends_microseconds),
    ).subquery("edges")
    _, step, *sums = edges.c
    columns = (edges.c.kind, step_number(step, _ORIGIN, _STEP), *map(func.sum, sums))
    return select(*columns).group_by(edges.c.kind, step)


FLEET, ALLOCATIONS = _fleet(), _allocations(with_archive=False)
# For windows that reach into the archive.
ALL_ALLOCATIONS = _allocations(with_archive=True)
