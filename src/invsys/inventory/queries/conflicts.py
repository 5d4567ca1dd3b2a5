"""Queries for conflicts: allocations of a vehicle that overlap a period or have not ended, and a closed vehicle.

Rows are mappings of the allocations' columns. Expired holds are ignored.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import (
    JSON,
    ColumnElement,
    CompoundSelect,
    Connection,
    bindparam,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import aliased

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now, in_subquery, json_array_elements
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import OWNED_OF_VEHICLE, is_active, last_before, overlaps
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL, UtcDateTime
from invsys.inventory.errors import MAX_CONFLICTS, PeriodTaken, ResourceClosed, ResourceInUse
from invsys.inventory.period import Period

_allocation, _resource = ContinuousResourceAllocation, ContinuousResource
_before = aliased(_allocation)

_START, _END = (bindparam(name, type_=UtcDateTime) for name in ("start", "end"))
_OF_VEHICLE = _allocation.resource_key == bindparam("resource_key")


class ArchivedPeriod(ValidationError):
    """The period begins before the end of an archived allocation of the vehicle."""


def _overlapping(
    *columns: Any, owned: bool = False, conditions: Sequence[ColumnElement[bool]] = (), more: Sequence[Any] = ()
) -> CompoundSelect[Any]:
    # Allocations of a vehicle never overlap, so the first one that can overlap [start, end) is the last one that starts
    # at or before ``start``. An allocation without a start precedes all others. A separate query finds that allocation:
    # one condition for both cases would prevent the use of the index. The conditions count here, too: if the database
    # has overlaps from a time without its constraint, an ignored allocation must not hide the one that it overlaps.
    last = select(func.max(_allocation.starts)).where(_OF_VEHICLE, _allocation.starts <= _START, *conditions)
    allocations = select(*columns).where(_OF_VEHICLE, is_active(), overlaps(_START, _END), *conditions)
    if owned:
        allocations = allocations.where(OWNED_OF_VEHICLE)
    return union_all(
        allocations.where(_allocation.starts.is_(None)),
        allocations.where(
            _allocation.starts >= func.coalesce(last.scalar_subquery(), literal(BEFORE_ALL, UtcDateTime)),
            _allocation.starts < func.coalesce(_END, literal(AFTER_ALL, UtcDateTime)),
        ),
        *more,
    ).order_by(text("starts NULLS FIRST"))


_IS_IGNORED = in_subquery(_allocation.key, json_array_elements(bindparam("ignored_keys", type_=JSON)))
# Keys: whether the query is restricted to an owner, and whether it ignores some allocations.
_OVERLAPPING = {
    (owned, ignoring): _overlapping(
        *_allocation.__table__.columns, owned=owned, conditions=[~_IS_IGNORED] if ignoring else []
    ).limit(MAX_CONFLICTS)
    for owned, ignoring in product((False, True), repeat=2)
}
# The time up to ``archived_until`` is one more busy period, in the same statement: a concurrent archive moves both.
_ARCHIVED = _resource.archived_until > func.coalesce(_START, literal(BEFORE_ALL, UtcDateTime))
_BUSY = _overlapping(
    _allocation.starts,
    _allocation.ends,
    more=[
        select(null().label("starts"), _resource.archived_until).where(
            _resource.key == bindparam("resource_key"), _ARCHIVED
        )
    ],
)
_NOT_ENDED = (
    select(*_allocation.__table__.columns)
    .where(_OF_VEHICLE, is_active(), or_(_allocation.ends.is_(None), _allocation.ends > db_now()))
    .order_by(_allocation.starts.nulls_first())
    .limit(MAX_CONFLICTS)
)
_OWNED_NOT_ENDED = _NOT_ENDED.where(OWNED_OF_VEHICLE)


# The columns that availability and the fleet page need. With all columns, availability would take twice as long.
_SHOWN: list[Any] = [
    *(_allocation.resource_key, _allocation.starts, _allocation.ends),
    *(_allocation.client_id, _allocation.allocation_type, _allocation.description, _allocation.expires),
]


def _of_vehicles() -> CompoundSelect[Any]:
    """Select the allocations of the vehicles ``keys`` that overlap the window from ``start`` to ``end``, both finite.

    The time up to the vehicle's ``archived_until`` counts as an allocation of the type "archived".

    The parts of the union use the index of a vehicle's starts, so they read no past allocations.
    """
    is_listed = in_subquery(_resource.key, json_array_elements(bindparam("keys", type_=JSON)))
    allocations = (
        select(*_SHOWN).join(_resource, _resource.key == _allocation.resource_key).where(is_listed, is_active())
    )
    values = {"resource_key": _resource.key, "ends": _resource.archived_until, "allocation_type": literal("archived")}
    shown: list[Any] = [values.get(column.name, null()) for column in _SHOWN]
    reaches = or_(_allocation.ends.is_(None), _allocation.ends > _START)
    return union_all(
        allocations.where(_allocation.starts.is_(None), reaches),
        allocations.where(_allocation.key == last_before(_START, _before.key, _before).scalar_subquery(), reaches),
        allocations.where(_allocation.starts >= _START, _allocation.starts < _END),
        select(*shown).where(is_listed, _ARCHIVED),
    ).order_by(text("resource_key, starts NULLS FIRST"))


_OF_VEHICLES = _of_vehicles()


def find_conflicts(
    connection: Connection,
    resource_key: int,
    period: Period,
    owner: str | None = None,
    ignored_keys: Sequence[int] = (),
) -> Sequence[Row]:
    """Return the first allocations of a vehicle that overlap ``period``, at most ``MAX_CONFLICTS``, ordered by start.

    If ``owner`` is not None, only its allocations are returned. Allocations with ``ignored_keys`` are not returned.
    """
    params = {
        "resource_key": resource_key,
        "start": period.start,
        "end": period.end,
        "owner": owner,
        "ignored_keys": ignored_keys,
    }
    return connection.execute(_OVERLAPPING[owner is not None, bool(ignored_keys)], params).mappings().all()


def require_free(
    connection: Connection,
    resource_key: int,
    period: Period,
    ignored_keys: Sequence[int] = (),
    owner: str | None = None,
    planned: Sequence[Row] = (),
) -> None:
    """Raise PeriodTaken if allocations of the vehicle overlap the period, except those with ``ignored_keys``.

    ``planned`` are further conflicts: allocations that the same request moves there. The exception shows these, and
    the stored conflicts of ``owner`` (None: all).
    """
    stored = find_conflicts(connection, resource_key, period, None, ignored_keys)
    if stored or planned:
        # Query again with the owner filter: the first query was limited, and rows of other owners may have filled it.
        visible = stored if owner is None else find_conflicts(connection, resource_key, period, owner, ignored_keys)
        conflicts = sorted([*planned, *visible], key=lambda row: row["starts"] or BEFORE_ALL)
        raise PeriodTaken("The vehicle is allocated for a part of this period.", conflicts[:MAX_CONFLICTS])


def require_open(closed_from: datetime | None, period: Period, old_period: Period | None = None) -> None:
    """Raise ResourceClosed if the period adds time from ``closed_from`` on (None: the vehicle is open).

    ``old_period`` is what the allocation already covers on this vehicle, None for a new or moved allocation. The caller
    must have locked the vehicle, if the decision has to hold until the end of the transaction.
    """
    if closed_from is not None and period.adds_from(closed_from, old_period):
        instant = closed_from.isoformat().replace("+00:00", "Z")
        raise ResourceClosed(f"The vehicle is closed from {instant} on: nothing new can be allocated from then on.")


def require_after_archived(archived_until: datetime | None, period: Period, old_period: Period | None = None) -> None:
    """Raise ArchivedPeriod if the period adds time before ``archived_until`` (None: nothing is archived).

    The arguments are as in ``require_open``.
    """
    if archived_until is not None and period.adds_before(archived_until, old_period):
        field = "from_infinity" if period.start is None else "from_datetime"
        instant = archived_until.isoformat().replace("+00:00", "Z")
        raise ArchivedPeriod({field: [f"The allocations of this vehicle are archived until {instant}: start then."]})


def busy_periods(resource_key: int, window: Period) -> Sequence[Row]:
    """Return ``starts`` and ``ends`` of all allocations of a vehicle that overlap ``window``, ordered by start.

    The first one can be the time up to the vehicle's ``archived_until``.
    """
    params = {"resource_key": resource_key, "start": window.start, "end": window.end}
    with session.read() as connection:
        return connection.execute(_BUSY, params).mappings().all()


def require_no_future_allocations(connection: Connection, vehicle: Row, owner: str | None = None) -> None:
    """Raise ResourceInUse if allocations of the vehicle have not ended by the database's clock.

    The exception shows only the conflicts of ``owner`` (None: all).
    """
    params = {"resource_key": vehicle["key"], "owner": owner}
    if conflicts := connection.execute(_NOT_ENDED, params).mappings().all():
        visible = conflicts if owner is None else connection.execute(_OWNED_NOT_ENDED, params).mappings().all()
        raise ResourceInUse(f"{vehicle['name']} has allocations that have not ended.", visible)


def allocations_of(resource_keys: Sequence[int], window: Period) -> list[Row]:
    """Return the allocations of several vehicles that overlap ``window``, ordered by vehicle and start.

    The rows have the columns ``_SHOWN``. The first one of a vehicle can be the time up to its ``archived_until``.
    """
    params = {"keys": resource_keys, "start": window.start or BEFORE_ALL, "end": window.end or AFTER_ALL}
    with session.read() as connection:
        return list(connection.execute(_OF_VEHICLES, params).mappings())
