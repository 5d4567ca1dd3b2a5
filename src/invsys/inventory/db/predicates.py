"""What can be asked of allocations in SQL: whether one counts, overlaps a period, leaves a vehicle free for it.

One truth about overlaps in three forms, held together by tests: ``Period.overlaps`` in Python, ``overlaps`` below, and
what the database itself refuses.
"""

from typing import Any

from sqlalchemy import (
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

from invsys.inventory.db.functions import db_now, seconds_between, sql_function
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL, UtcDateTime

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
# Whether a vehicle is there for callers, in the collection of ``resource_type``.
NOT_DECOMMISSIONED: ColumnElement[bool] = and_(
    _resource.resource_type == bindparam("resource_type"), _resource.decommissioned.is_(None)
)

# Whether an allocation is one of those that the client ``owner`` made itself.
_OWNER = bindparam("owner", type_=String)
OWNED: ColumnElement[bool] = _allocation.client_id == _OWNER
# The same where a vehicle leads to the allocation. Not by the index of the owner's: a client may have all that there
# are, a vehicle has some thousands.
OWNED_OF_VEHICLE: ColumnElement[bool] = _allocation.client_id.concat(literal_column("''")) == _OWNER

# Not as a parameter: PostgreSQL would take it for a tenth of all rows, and plan anew for every order.
ONE: ColumnElement[int] = literal_column("1")

# Seconds; longer than any gap between two instants that are kept.
_AGES = 1e12
_BEFORE_ALL, _AFTER_ALL = (literal(instant, UtcDateTime) for instant in (BEFORE_ALL, AFTER_ALL))


# Whether the first two arguments, ``[starts, ends)``, and the last two, ``[start, end)``, share an instant. A null is
# infinite on its side.
_overlaps = sql_function(
    "overlaps",
    Boolean(),
    # The expression of the exclusion constraint, so that its index is used.
    postgresql="tstzrange({0}, {1}) && tstzrange({2}, {3})",
    sqlite="(({0} IS NULL OR {3} IS NULL OR {0} < {3}) AND ({1} IS NULL OR {2} IS NULL OR {2} < {1}))",
)


def overlaps(start: Any, end: Any) -> ColumnElement[bool]:
    """Give the predicate "this allocation shares an instant with ``[start, end)``", ``Period.overlaps`` in SQL.

    Both are instants, bound parameters of that type, or None for infinity.
    """
    return _overlaps(_allocation.starts, _allocation.ends, _instant(start), _instant(end))


def is_active(now: Any = None) -> ColumnElement[bool]:
    """Give the predicate "this allocation counts": it is confirmed, or held and not expired by the database's clock.

    Or not expired at another instant, ``now``.
    """
    return or_(_allocation.expires.is_(None), _allocation.expires > (db_now() if now is None else now))


def is_expired() -> ColumnElement[bool]:
    """Give the predicate "this is a hold that has expired": it counts nowhere, and is in the way all the same."""
    return _allocation.expires <= db_now()


# Whether there is an expired hold at all. As a minimum it takes one look-up in the index of holds, whatever the
# statistics say.
SOME_EXPIRED: ColumnElement[bool] = (
    select(func.min(_allocation.expires)).where(_allocation.expires.is_not(None)).scalar_subquery() <= db_now()
)


def is_free(start: Any, end: Any) -> ColumnElement[bool]:
    """Give the predicate "this vehicle has no allocation that counts and overlaps ``[start, end)``".

    Allocations never overlap one another, so the end of the last one that starts before ``end`` decides: a look-up by
    index or two, however many allocations there are.
    """
    return func.coalesce(_taken_until(end), _BEFORE_ALL) <= func.coalesce(_instant(start), _BEFORE_ALL)


def surrounding_gap(start: Any, end: Any) -> ColumnElement[float]:
    """Give the seconds by which a free vehicle's gap around the period is longer; a side without end counts as ages."""
    after = _of_vehicle(func.min(_allocation.starts)).where(_allocation.starts >= _instant(end)).scalar_subquery()
    left = seconds_between(_taken_until(start), _instant(start))
    right = seconds_between(_instant(end), after)
    return func.coalesce(left, _AGES) + func.coalesce(right, _AGES)


def _taken_until(instant: Any) -> ColumnElement[Any]:
    """Give the end of this vehicle's last allocation that starts before the instant; null where there is none."""
    ends = func.coalesce(_allocation.ends, _AFTER_ALL)
    last = last_before(func.coalesce(_instant(instant), _AFTER_ALL), ends).where(is_active())
    # The one without a start is before all others.
    first = _of_vehicle(ends).where(_allocation.starts.is_(None)).limit(ONE)
    return func.coalesce(last.scalar_subquery(), first.scalar_subquery())


def last_before(instant: Any, column: Any, of: Any = _allocation) -> Select[Any]:
    """Select a column of the last allocation that starts before the instant, of the outer statement's vehicle.

    ``of`` is the table of allocations, or an alias of it.
    """
    # By the vehicle and in the order of its index, nulls last: PostgreSQL would otherwise sort all that start before,
    # or with "=" for the vehicle read the index of everybody's starts, where one without allocations is sought in vain.
    before = tuple_(of.resource_key, of.starts) < tuple_(_resource.key, instant)
    last = select(column).where(before, of.resource_key >= _resource.key).correlate(_resource)
    return last.order_by(of.resource_key.desc(), of.starts.desc().nulls_last()).limit(ONE)


def _instant(side: Any) -> ColumnElement[Any]:
    return side if isinstance(side, BindParameter) else literal(side, UtcDateTime)


def _of_vehicle(column: ColumnElement[Any]) -> Select[Any]:
    """Select of the allocations that count, and are of the vehicle that the outer statement looks at."""
    return select(column).where(_allocation.resource_key == _resource.key, is_active()).correlate(_resource)
