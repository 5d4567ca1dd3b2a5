"""What occupies a vehicle: the allocations of one that overlap a period or have not ended, and those of several.

Answers are mappings of the allocations' columns; expired holds occupy nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CompoundSelect, Connection, bindparam, func, literal, or_, select, text, union_all

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import OWNED_OF_VEHICLE, is_active, overlaps
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL, UtcDateTime
from invsys.inventory.errors import MAX_CONFLICTS, PeriodTaken, ResourceInUse
from invsys.inventory.period import Period

_allocation = ContinuousResourceAllocation

_START, _END = (bindparam(name, type_=UtcDateTime) for name in ("start", "end"))
_OF_VEHICLE = _allocation.resource_key == bindparam("resource_key")

# A vehicle's allocations never overlap, so the first that can share an instant with [start, end) is the last that
# starts no later than it; from there they follow in order. One without a start stands before all others, and is sought
# apart: an index leads to either at once, where one condition for both would have to be tried on every row.
_NEIGHBOUR = select(func.max(_allocation.starts)).where(_OF_VEHICLE, _allocation.starts <= _START).scalar_subquery()


def _overlapping(*columns: Any, owned: bool = False) -> CompoundSelect[Any]:
    found = select(*columns).where(_OF_VEHICLE, is_active(), overlaps(_START, _END))
    if owned:
        found = found.where(OWNED_OF_VEHICLE)
    return union_all(
        found.where(_allocation.starts.is_(None)),
        found.where(
            _allocation.starts >= func.coalesce(_NEIGHBOUR, literal(BEFORE_ALL, UtcDateTime)),
            _allocation.starts < func.coalesce(_END, literal(AFTER_ALL, UtcDateTime)),
        ),
    ).order_by(text("starts NULLS FIRST"))


_OVERLAPPING = {
    owned: _overlapping(*_allocation.__table__.columns, owned=owned).limit(MAX_CONFLICTS) for owned in (False, True)
}
_BUSY = _overlapping(_allocation.starts, _allocation.ends)
_NOT_ENDED = (
    select(*_allocation.__table__.columns)
    .where(_OF_VEHICLE, is_active(), or_(_allocation.ends.is_(None), _allocation.ends > db_now()))
    .order_by(_allocation.starts.nulls_first())
    .limit(MAX_CONFLICTS)
)
_OWN_NOT_ENDED = _NOT_ENDED.where(OWNED_OF_VEHICLE)


def find_conflicts(
    connection: Connection, resource_key: int, period: Period, owner: str | None = None
) -> Sequence[Row]:
    """Give the first allocations of a vehicle that share an instant with ``period``, at most ``MAX_CONFLICTS``.

    Only those that ``owner`` made, if one is given.
    """
    values = {"resource_key": resource_key, "start": period.start, "end": period.end, "owner": owner}
    return connection.execute(_OVERLAPPING[owner is not None], values).mappings().all()


def require_free(
    connection: Connection, resource_key: int, period: Period, but: int | None = None, owner: str | None = None
) -> None:
    """Raise PeriodTaken where allocations of the vehicle, ``but`` the one with this key, overlap the period.

    If there is an ``owner``, its own alone are told.
    """

    def in_the_way(owner: str | None) -> list[Row]:
        found = find_conflicts(connection, resource_key, period, owner)
        return [allocation for allocation in found if allocation["key"] != but]

    if conflicts := in_the_way(None):
        # Asked for once more: there may be others' before them, and of all only the first were given.
        told = conflicts if owner is None else in_the_way(owner)
        raise PeriodTaken("The vehicle is allocated for a part of this period.", told)


def busy_periods(resource_key: int, window: Period) -> Sequence[Row]:
    """Give the starts and ends of all of a vehicle's allocations that share an instant with ``window``, by start."""
    values = {"resource_key": resource_key, "start": window.start, "end": window.end}
    with session.read() as connection:
        return connection.execute(_BUSY, values).mappings().all()


def require_no_future_allocations(connection: Connection, vehicle: Row, owner: str | None = None) -> None:
    """Raise ResourceInUse where allocations of the vehicle have not ended by the database's clock.

    If there is an ``owner``, its own alone are told.
    """
    values = {"resource_key": vehicle["key"], "owner": owner}
    if conflicts := connection.execute(_NOT_ENDED, values).mappings().all():
        told = conflicts if owner is None else connection.execute(_OWN_NOT_ENDED, values).mappings().all()
        raise ResourceInUse(f"{vehicle['name']} has allocations that have not ended.", told)


def allocations_of(resource_keys: Sequence[int], window: Period) -> list[Row]:
    """Give the allocations of several vehicles that share an instant with ``window``, by start for each."""
    statement = (
        select(*_allocation.__table__.columns)
        .where(_allocation.resource_key.in_(resource_keys), is_active(), overlaps(window.start, window.end))
        .order_by(_allocation.resource_key, _allocation.starts.nulls_first())
    )
    with session.read() as connection:
        return list(connection.execute(statement).mappings())
