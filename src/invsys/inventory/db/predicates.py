"""SQL predicates: whether an allocation is active or overlaps a period, whether a vehicle is open and free.

Overlaps are defined in three places, and tests compare them: ``Period.overlaps`` in Python, ``overlaps`` below, and the
constraint or triggers of the database.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from invsys.inventory.db.functions import db_now, in_subquery, json_array_ids, seconds_between, sql_function
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL, UtcDateTime

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
# The vehicle is in the collection ``resource_type`` and in circulation.
NOT_DECOMMISSIONED: ColumnElement[bool] = and_(
    _resource.resource_type == bindparam("resource_type"), _resource.decommissioned.is_(None)
)

# The vehicle is one of ``resource_ids``, a parameter that ``json_ids`` returns. By key, because SQLite would otherwise
# read all vehicles of the type.
_listed = aliased(_resource)
_RESOURCE_IDS = json_array_ids(bindparam("resource_ids", type_=JSON))
IN_RESOURCE_IDS: ColumnElement[bool] = in_subquery(
    _resource.key, select(_listed.key).where(in_subquery(_listed.id, _RESOURCE_IDS)).scalar_subquery()
)

# The allocation belongs to the client ``owner``.
_OWNER = bindparam("owner", type_=String)
OWNED: ColumnElement[bool] = _allocation.client_id == _OWNER
# OWNED for queries that already filter by vehicle. The concatenation hides the column from the owner index: a client
# may own every allocation, while a vehicle has a few thousand.
OWNED_OF_VEHICLE: ColumnElement[bool] = _allocation.client_id.concat(literal_column("''")) == _OWNER

# The literal 1, for LIMIT. If the limit is a parameter, PostgreSQL assumes a tenth of all rows, and plans the statement
# again for each execution.
ONE: ColumnElement[int] = literal_column("1")

# Seconds; longer than any gap between two stored instants.
_INFINITE_GAP = 1e12
_BEFORE_ALL, _AFTER_ALL = (literal(instant, UtcDateTime) for instant in (BEFORE_ALL, AFTER_ALL))


# Whether two periods share an instant. The arguments are the start and the end of each; null is infinity.
_overlaps = sql_function(
    "overlaps",
    Boolean(),
    # The expression of the exclusion constraint, so that its index is used.
    postgresql="tstzrange({0}, {1}) && tstzrange({2}, {3})",
    sqlite="(({0} IS NULL OR {3} IS NULL OR {0} < {3}) AND ({1} IS NULL OR {2} IS NULL OR {2} < {1}))",
)


def json_ids(ids: Iterable[uuid.UUID]) -> list[str]:
    """Return ids in the form that ``json_array_ids`` and the parameter of ``IN_RESOURCE_IDS`` take."""
    return [item.hex for item in ids]


def overlaps(start: Any, end: Any) -> ColumnElement[bool]:
    """Return the predicate "the allocation shares an instant with ``[start, end)``", like ``Period.overlaps``.

    Both arguments are instants, bind parameters of type ``UtcDateTime``, or None for infinity.
    """
    return _overlaps(_allocation.starts, _allocation.ends, _instant(start), _instant(end))


def is_active(now: Any = None) -> ColumnElement[bool]:
    """Return the predicate "the allocation is confirmed, or a hold that has not expired".

    ``now`` is an SQL expression, by default the database's clock.
    """
    return or_(_allocation.expires.is_(None), _allocation.expires > (db_now() if now is None else now))


def is_expired() -> ColumnElement[bool]:
    """Return the predicate "the allocation is an expired hold".

    Queries ignore an expired hold, but the constraint rejects overlapping allocations until its row is deleted.
    """
    return _allocation.expires <= db_now()


# At least one expired hold exists. The minimum takes one look-up in the index of holds, independent of the statistics.
SOME_EXPIRED: ColumnElement[bool] = (
    select(func.min(_allocation.expires)).where(_allocation.expires.is_not(None)).scalar_subquery() <= db_now()
)


def is_open(end: Any, closed_from: Any = _resource.closed_from) -> ColumnElement[bool]:
    """Return the predicate "the vehicle is not closed at any instant of a new period that ends at ``end``".

    For an infinite end (null), it is true only for vehicles that have no ``closed_from``, the column of the vehicle.
    ``Period.adds_from`` is the equivalent in Python.
    """
    return or_(closed_from.is_(None), closed_from >= _instant(end))


def is_after_archived(start: Any, archived_until: Any = _resource.archived_until) -> ColumnElement[bool]:
    """Return the predicate "a new period that starts at ``start`` begins after the vehicle's archived allocations".

    For an infinite start (null), it is true only for vehicles that have no ``archived_until``, the column of the
    vehicle. ``Period.adds_before`` is the equivalent in Python.
    """
    return or_(archived_until.is_(None), archived_until <= _instant(start))


def is_free(start: Any, end: Any, last_end: Any = None, vehicle: Any = _resource) -> ColumnElement[bool]:
    """Return the predicate "the vehicle can be allocated for ``[start, end)``".

    It is open, the period is after its archived allocations, and no active allocation overlaps the period. Allocations
    of a vehicle never overlap, so the end of the last one that starts before ``end`` decides. Finding it takes one or
    two index look-ups, regardless of the number of allocations. ``last_end`` is a column with ``last_end_before(end)``,
    if the statement has one. ``vehicle`` has the columns ``closed_from`` and ``archived_until``.
    """
    last_end = last_end_before(end) if last_end is None else last_end
    is_unallocated = func.coalesce(last_end, _BEFORE_ALL) <= func.coalesce(_instant(start), _BEFORE_ALL)
    return and_(is_open(end, vehicle.closed_from), is_after_archived(start, vehicle.archived_until), is_unallocated)


def idle_seconds_around(
    start: Any, end: Any, last_end: Any = None, resource_key: Any = _resource.key
) -> ColumnElement[float]:
    """Return the expression for a free vehicle's idle seconds around the period.

    These are the seconds from the end of the previous allocation to ``start``, plus those from ``end`` to the next
    allocation. A side without an allocation counts as ``_INFINITE_GAP``. ``last_end`` is as in ``is_free``;
    ``resource_key`` is the column with the vehicle's key.
    """
    # No allocation of a free vehicle starts within the period, so the last one before its end is also before its start.
    last_end = last_end_before(end) if last_end is None else last_end
    starts = _of_vehicle(func.min(_allocation.starts), resource_key).where(_allocation.starts >= _instant(end))
    before = seconds_between(last_end, _instant(start))
    after = seconds_between(_instant(end), starts.scalar_subquery())
    return func.coalesce(before, _INFINITE_GAP) + func.coalesce(after, _INFINITE_GAP)


def last_end_before(instant: Any, *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return the expression for the end of the vehicle's last active allocation that starts before the instant.

    It is null if no such allocation exists. ``conditions`` are further conditions on the allocation.
    """
    ends = func.coalesce(_allocation.ends, _AFTER_ALL)
    # Searches execute this for every vehicle, and nearly always there is an allocation after the archived ones.
    before = func.coalesce(_instant(instant), _AFTER_ALL)
    last = last_before(before, ends, skip_archived=False).where(is_active(), *conditions)
    # An allocation without a start precedes all others.
    first = _of_vehicle(ends).where(_allocation.starts.is_(None), *conditions).limit(ONE)
    return func.coalesce(last.scalar_subquery(), first.scalar_subquery())


def last_before(instant: Any, column: Any, table: Any = _allocation, *, skip_archived: bool = True) -> Select[Any]:
    """Select a column of the last allocation that starts before the instant, of the outer statement's vehicle.

    ``table`` is the model of allocations, or an alias of it. With ``skip_archived``, the statement does not read the
    index entries of archived allocations, which stay there until a vacuum. This takes a quarter more CPU time.
    """
    # The row comparison and the order match the index on (resource_key, starts), nulls last. PostgreSQL would otherwise
    # sort all earlier allocations. With "=" for the vehicle, it would scan the index of all vehicles' starts, and for a
    # vehicle without allocations it would scan all of it.
    start = tuple_(table.resource_key, table.starts)
    # No allocation of this table starts before ``archived_until``.
    least = func.coalesce(_resource.archived_until, _BEFORE_ALL)
    after = start >= tuple_(_resource.key, least) if skip_archived else table.resource_key >= _resource.key
    last = select(column).where(start < tuple_(_resource.key, instant), after).correlate(_resource)
    return last.order_by(table.resource_key.desc(), table.starts.desc().nulls_last()).limit(ONE)


def _instant(value: Any) -> ColumnElement[Any]:
    return value if isinstance(value, BindParameter) else literal(value, UtcDateTime)


def _of_vehicle(column: ColumnElement[Any], resource_key: Any = _resource.key) -> Select[Any]:
    """Select a column of the active allocations of the outer statement's vehicle."""
    query = select(column).where(_allocation.resource_key == resource_key, is_active())
    return query.correlate_except(_allocation)
