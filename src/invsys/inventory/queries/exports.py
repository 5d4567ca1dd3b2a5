"""Queries for the exports: the active allocations, with the columns that iCalendar and GBFS need."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from invsys.inventory.db import session
from invsys.inventory.db.functions import db_now
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED_OF_VEHICLE, is_active, overlaps
from invsys.inventory.db.types import UtcDateTime
from invsys.inventory.period import ALWAYS, Period, with_closure
from invsys.inventory.queries import resources as resource_queries
from invsys.inventory.queries.archive import allocations as archived

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation

_ALLOCATIONS = (
    select(
        _allocation.id,
        _allocation.starts,
        _allocation.ends,
        _allocation.allocation_type,
        _allocation.description,
        _allocation.reference,
        _allocation.expires,
        _allocation.created,
        func.coalesce(_allocation.changed, _allocation.created).label("changed"),
        _allocation.version,
    )
    .where(_allocation.resource_key == bindparam("resource_key"), is_active())
    .order_by(_allocation.starts.nulls_first())
)

_VEHICLES = (
    select(_resource.key, _resource.id, _resource.resource_type, _resource.attributes, _resource.closed_from)
    .where(NOT_DECOMMISSIONED)
    .order_by(_resource.key)
)
# A parameter, because the clock advances while batches of rows are fetched.
_NOW = bindparam("now", type_=UtcDateTime)
_NOT_ENDED = (
    select(_allocation.resource_key, _allocation.starts, _allocation.ends)
    .join(_resource, _resource.key == _allocation.resource_key)
    .where(NOT_DECOMMISSIONED, or_(_allocation.ends.is_(None), _allocation.ends > _NOW), is_active(_NOW))
    .order_by(_allocation.resource_key, _allocation.starts.nulls_first())
)


def allocations(
    resource_type: str, resource_id: uuid.UUID, window: Period, owner: str | None = None
) -> tuple[Row, Sequence[Row]]:
    """Return a vehicle, and its allocations of ``owner`` (None: any) that overlap ``window``, ordered by start.

    Archived allocations are included.

    Raises ResourceNotFound.
    """
    statement = _ALLOCATIONS if owner is None else _ALLOCATIONS.where(OWNED_OF_VEHICLE)
    if window != ALWAYS:
        statement = statement.where(overlaps(window.start, window.end))
    with session.snapshot() as connection:
        vehicle = resource_queries.require_resource(connection, resource_type, resource_id)
        params = {"resource_key": vehicle["key"], "owner": owner}
        rows: Sequence[Row] = connection.execute(statement, params).mappings().all()
        if vehicle["archived_until"] is not None:
            # They all start before the others.
            rows = [*archived.overlapping(connection, vehicle["key"], window, owner), *rows]
        return vehicle, rows


@contextmanager
def not_ended(resource_type: str) -> Iterator[tuple[datetime, Iterator[tuple[Row, list[Period]]]]]:
    """Yield the database's current time, and each vehicle in circulation with its busy periods that have not ended.

    A vehicle is busy while it is allocated or closed. Everything is read from one snapshot; the periods are fetched in
    batches of a thousand.
    """
    with session.snapshot() as connection:
        now = connection.execute(select(db_now())).scalar_one()
        params = {"resource_type": resource_type, "now": now}
        vehicles = connection.execute(_VEHICLES, params).mappings().all()
        with connection.execution_options(yield_per=1000).execute(_NOT_ENDED, params) as periods:
            yield now, _with_periods(vehicles, periods, Period(now))


def _with_periods(vehicles: Iterable[Row], rows: Iterable[Any], window: Period) -> Iterator[tuple[Row, list[Period]]]:
    """Yield each vehicle with the periods in its rows (key, start, end); both are ordered by the vehicle's key.

    The periods include the time from which the vehicle is closed, if it is in ``window``.
    """
    no_group: tuple[int | None, Iterator[Any]] = (None, iter(()))
    groups = groupby(rows, key=itemgetter(0))
    key, group = next(groups, no_group)
    for vehicle in vehicles:
        allocated: list[Period] = []
        if vehicle["key"] == key:
            allocated = [Period(start, end) for _, start, end in group]
            key, group = next(groups, no_group)
        yield vehicle, with_closure(allocated, vehicle["closed_from"], window)
