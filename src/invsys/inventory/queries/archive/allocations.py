"""Queries for archived allocations: one by its id, those of a vehicle in a period, and a page of a list.

Rows are like those of ``queries.allocations``. They only ever move from the table of allocations to the archive.
Whoever reads both in two statements reads the archive last, and so may see a row twice, but misses none.
"""

import functools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, literal, literal_column, or_, select

from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, CursorState, Row
from invsys.inventory.db.predicates import IN_RESOURCE_IDS, NOT_DECOMMISSIONED
from invsys.inventory.db.types import AFTER_ALL, BEFORE_ALL, UtcDateTime
from invsys.inventory.errors import Archived
from invsys.inventory.period import ALWAYS, Period
from invsys.inventory.queries import allocation_pages
from invsys.inventory.queries.allocation_pages import Filters

_resource, _archived = ContinuousResource, ARCHIVED_ALLOCATIONS.c
_START, _END, _UPPER = (bindparam(name, type_=UtcDateTime) for name in ("start", "end", "upper"))
_OF_VEHICLE = _resource.id == bindparam("resource_id")

_ALLOCATIONS = (
    select(*allocation_pages.columns_of(ARCHIVED_ALLOCATIONS), _resource.id.label("resource_id"))
    .add_columns(_resource.resource_type)
    .join(_resource, _resource.key == _archived.resource_key)
    .where(NOT_DECOMMISSIONED)
)
_BY_ID = _ALLOCATIONS.where(_archived.id == bindparam("allocation_id"))
_OWNED = _archived.client_id == bindparam("owner")
# Keys: whether the query is restricted to a vehicle, and whether it is restricted to an owner.
_ALLOCATION = {
    (by_vehicle, owned): _BY_ID.where(*[_OF_VEHICLE] * by_vehicle, *[_OWNED] * owned)
    for by_vehicle, owned in product((False, True), repeat=2)
}
_OVERLAPPING = (
    select(*(column for column in _archived if column is not _archived.changed))
    .add_columns(func.coalesce(_archived.changed, _archived.created).label("changed"))
    .where(
        _archived.resource_key == bindparam("resource_key"),
        or_(_archived.starts.is_(None), _archived.starts < func.coalesce(_END, literal(AFTER_ALL, UtcDateTime))),
        _archived.ends > func.coalesce(_START, literal(BEFORE_ALL, UtcDateTime)),
    )
    .order_by(_archived.starts.nulls_first())
)
_ARCHIVED_UNTIL = select(CursorState.archived_until)


def is_reached(connection: Connection, window: Period) -> bool:
    """Return whether an archived allocation can overlap the window.

    If a list has already read the table of allocations, the answer also counts for rows that were archived meanwhile.
    """
    until: datetime | None = connection.scalar(_ARCHIVED_UNTIL)
    return until is not None and (window.start is None or window.start < until)


def is_listed(connection: Connection, window: Period, status: str | None) -> bool:
    """Return whether a list of allocations has to read the archive; without a window, it does not."""
    return window != ALWAYS and status != "held" and is_reached(connection, window)


def find(connection: Connection, params: Mapping[str, Any]) -> Row | None:
    """Return an archived allocation, or None.

    ``params`` are the ``resource_type``, ``allocation_id``, ``resource_id`` and ``owner``; None means any of these two.
    """
    statement = _ALLOCATION[params["resource_id"] is not None, params["owner"] is not None]
    return connection.execute(statement, params).mappings().first()


def require_missing(connection: Connection, params: Mapping[str, Any]) -> None:
    """Raise Archived if ``find`` finds an allocation."""
    if find(connection, params) is not None:
        raise Archived(f"The allocation {params['allocation_id']} is archived, and can no longer be changed.")


def overlapping(connection: Connection, resource_key: int, period: Period, owner: str | None = None) -> Sequence[Row]:
    """Return the archived allocations of a vehicle and of ``owner`` (None: any) that overlap the period, by start.

    If an allocation was never changed, its ``changed`` is ``created``.
    """
    params = {"resource_key": resource_key, "start": period.start, "end": period.end, "owner": owner}
    statement = _OVERLAPPING if owner is None else _OVERLAPPING.where(_OWNED)
    return connection.execute(statement, params).mappings().all()


def page(connection: Connection, filters: Filters, params: Mapping[str, Any], descending: bool) -> Sequence[Row]:
    """Return the archived rows of a page; the arguments are as in ``allocation_pages.page_statement``."""
    return connection.execute(_page_statement(filters, descending), params).mappings().all()


def with_page(rows: Iterable[Row], archived: Iterable[Row], limit: int, descending: bool) -> list[Row]:
    """Return the first ``limit`` rows of both pages of a list, each once and in the order of the list."""
    by_id: dict[uuid.UUID, Row] = {row["id"]: row for row in (*archived, *rows)}

    def place(row: Row) -> tuple[datetime, int]:
        return row["starts"] or BEFORE_ALL, row["key"]

    return sorted(by_id.values(), key=place, reverse=descending)[:limit]


@functools.cache
def count_statement(filters: Filters) -> Select[Any]:
    """Build the statement that counts up to ``limit`` archived rows of a list; its parameters are those of ``page``."""
    one = literal_column("1", Integer).label("one")
    parts = [part.with_only_columns(one, maintain_column_froms=True) for part in _parts(filters, descending=False)]
    return allocation_pages.count_of(parts)


@functools.cache
def _page_statement(filters: Filters, descending: bool) -> Select[Any]:
    return allocation_pages.page_of(list(_parts(filters, descending)), descending)


def _parts(filters: Filters, descending: bool) -> Iterator[Select[Any]]:
    """Yield the parts of a list: the allocations without a start, and all others."""
    predicates: dict[str, ColumnElement[bool]] = {
        "resource_key": _archived.resource_key == bindparam("resource_key"),
        "resource_ids": IN_RESOURCE_IDS,
        "owner": _OWNED,
        "allocation_type": _archived.allocation_type == bindparam("allocation_type"),
        "reference": _archived.reference == bindparam("reference"),
        # PostgreSQL reads no partition before this month.
        "start": _archived.ends > _START,
    }
    of_list = [predicate for name, predicate in predicates.items() if name in filters]
    rows = _ALLOCATIONS.where(*of_list, *allocation_pages.after(filters, descending, _archived.starts, _archived.key))
    yield rows.where(_archived.starts.is_(None))
    yield rows.where(_archived.starts < _UPPER)
