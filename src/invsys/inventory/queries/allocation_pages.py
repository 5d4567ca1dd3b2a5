"""The statements of lists of allocations: a page, ordered by start, and the number of allocations in all pages.

A list whose filters no single index serves consists of disjoint parts: the allocations without a start, those that are
running at the start of the window, and those that start within it. Each part uses an index and stops when the page is
full.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from invsys.inventory.db.functions import in_subquery
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation
from invsys.inventory.db.predicates import (
    IN_RESOURCE_IDS,
    NOT_DECOMMISSIONED,
    OWNED,
    OWNED_OF_VEHICLE,
    is_active,
    last_before,
)
from invsys.inventory.db.types import UtcDateTime

Filters = frozenset[str]

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
# The rows of a page that the subquery ``_first_keys_of_vehicle`` selects.
_selected = _allocation.__table__.alias("selected")
_before = aliased(_allocation)


def columns_of(table: Any) -> list[ColumnElement[Any]]:
    """Return the columns of a table of allocations, without ``changed``, which no representation shows."""
    return [column for column in table.columns if column.name != "changed"]


def _select(table: Any, condition: ColumnElement[Any]) -> Select[Any]:
    """Select allocations from a table with their vehicles; only vehicles of the type that are in circulation."""
    columns = [*columns_of(table), _resource.id.label("resource_id"), _resource.resource_type]
    return select(*columns).select_from(table.join(_resource.__table__, condition)).where(NOT_DECOMMISSIONED)


# The active allocations of vehicles in circulation, with the vehicle's ``resource_id`` and ``resource_type``.
ALLOCATIONS = _select(_allocation.__table__, _resource.key == _allocation.resource_key).where(is_active())

_STARTS, _ENDS, _KEY = _allocation.starts, _allocation.ends, _allocation.key
_START, _END, _AFTER, _LOWER, _UPPER = (
    bindparam(name, type_=UtcDateTime) for name in ("start", "end", "after_start", "lower", "upper")
)
_AFTER_KEY = bindparam("after_key", type_=_KEY.type)
_REFERENCE = bindparam("reference", type_=String)
_LIMIT = bindparam("limit", type_=Integer)
# A vehicle's allocations never overlap, so only the last one that starts before the window can reach into it.
_LAST_BEFORE = last_before(_START, _before.key, table=_before).scalar_subquery()
_REACHES = or_(_ENDS.is_(None), _ENDS > _START)
_BEFORE_END = or_(_STARTS.is_(None), _STARTS < _END)


@functools.cache
def page_statement(filters: Filters, status: str | None, descending: bool = False) -> Select[Any]:
    """Build the statement of a page, ordered by start: infinite starts first, or last if ``descending``.

    Its parameters are ``resource_type``, ``limit``, ``lower`` and ``upper``, and the ``filters``. A filter is one of:
    ``resource_key``, the vehicle; ``resource_ids``, several vehicles, as a JSON array; ``owner``, the client that
    created the allocation; ``start`` and ``end``, the window; ``allocation_type``; ``reference``; ``after_key``, the
    key of the last allocation of the previous page; ``after_start``, the start of that allocation, unless it is
    infinite. An allocation that starts within the window and after the previous page starts at or after ``lower`` and
    before ``upper``.
    """
    return page_of(list(_parts(filters, status, descending, limited=True)), descending)


def page_of(parts: Sequence[Select[Any]], descending: bool) -> Select[Any]:
    """Build the statement of a page from the disjoint parts of its list."""
    pages = [_ordered(part, descending) for part in parts]
    if len(pages) == 1:
        return pages[0]
    return _ordered(select(union_all(*(select(page.subquery()) for page in pages)).subquery()), descending)


@functools.cache
def count_statement(filters: Filters, status: str | None) -> Select[Any]:
    """Build the statement that counts up to ``limit`` allocations; its parameters are those of ``page_statement``."""
    one = literal_column("1", Integer).label("one")
    parts = [
        part.with_only_columns(one, maintain_column_froms=True)
        for part in _parts(filters, status, descending=False, limited=False)
    ]
    return count_of(parts)


def count_of(parts: Iterable[Select[Any]]) -> Select[Any]:
    """Build the statement that counts up to ``limit`` rows of the parts of a list."""
    rows = select(union_all(*parts).subquery()).limit(_LIMIT).subquery()
    return select(func.count()).select_from(rows)


def _ordered(rows: Select[Any], descending: bool) -> Select[Any]:
    starts, key = (rows.selected_columns[name] for name in ("starts", "key"))
    order = (starts.desc().nulls_last(), key.desc()) if descending else (starts.nulls_first(), key)
    return rows.order_by(*order).limit(_LIMIT)


def _parts(filters: Filters, status: str | None, descending: bool, limited: bool) -> Iterator[Select[Any]]:
    """Yield the parts of a list; ``limited`` means that only the first ``limit`` rows of the list are needed."""
    predicates = [*_predicates(filters, status), *after(filters, descending, _STARTS, _KEY)]
    owned, owned_of_vehicle = ([OWNED], [OWNED_OF_VEHICLE]) if "owner" in filters else ([], [])
    in_vehicles = [IN_RESOURCE_IDS] if "resource_ids" in filters else []
    of_vehicles = ALLOCATIONS.where(*predicates, *owned_of_vehicle, *in_vehicles)
    window = {"start": _REACHES, "end": _BEFORE_END}
    in_window = [predicate for name, predicate in window.items() if name in filters]
    if "reference" in filters and "resource_key" not in filters:
        # A reference has few allocations, so its index is enough: it makes everything else cheap to check.
        yield of_vehicles.where(*in_window)
        return
    rows = of_vehicles if filters & {"resource_key", "resource_ids"} else ALLOCATIONS.where(*predicates, *owned)
    if not (in_window or descending or in_vehicles):
        yield rows
        return
    reaches = [_REACHES] if "start" in filters else []
    yield rows.where(_STARTS.is_(None), *reaches)
    if descending and "after_key" in filters and "after_start" not in filters:
        # Only allocations without a start come after one without a start.
        return
    if "start" in filters:
        yield of_vehicles.where(_KEY == _LAST_BEFORE, _REACHES)
    if in_vehicles and limited:
        keys = _first_keys_of_vehicle([*predicates, *owned_of_vehicle], descending)
        yield _select(_selected, in_subquery(_selected.c.key, keys)).where(*in_vehicles)
    else:
        yield rows.where(_STARTS >= _LOWER, _STARTS < _UPPER)


def _first_keys_of_vehicle(predicates: list[ColumnElement[bool]], descending: bool) -> Any:
    """Select the keys of the first allocations of each vehicle, at most as many as fit on the page.

    Without this limit, a page of a few vehicles would read all their allocations in the window.
    """
    # The row comparison and the order match the index on (resource_key, starts), as in ``predicates.last_before``.
    place = tuple_(_allocation.resource_key, _STARTS)
    within = [place >= tuple_(_resource.key, _LOWER), place < tuple_(_resource.key, _UPPER)]
    ascending_order = (_allocation.resource_key, _STARTS.nulls_first())
    descending_order = (_allocation.resource_key.desc(), _STARTS.desc().nulls_last())
    order = descending_order if descending else ascending_order
    keys = select(_KEY).where(*within, *predicates, is_active()).order_by(*order).limit(_LIMIT)
    return keys.correlate(_resource).scalar_subquery()


def _predicates(filters: Filters, status: str | None) -> list[ColumnElement[bool]]:
    is_held = _allocation.expires.is_not(None)
    reference: ColumnElement[Any] = _allocation.__table__.c.reference
    if "resource_key" in filters:
        # The concatenation hides the column from its index: the index of the vehicle is better.
        reference = reference.concat(literal_column("''"))
    predicates = {
        "resource_key": _allocation.resource_key == bindparam("resource_key"),
        "allocation_type": _allocation.allocation_type == bindparam("allocation_type"),
        "reference": reference == _REFERENCE,
    }
    by_status = {None: [], "held": [is_held], "confirmed": [~is_held]}[status]
    return [predicate for name, predicate in predicates.items() if name in filters] + by_status


def after(filters: Filters, descending: bool, starts: Any, key: Any) -> list[ColumnElement[bool]]:
    """Return the predicates "the allocation, which has these columns, comes after the previous page"."""
    if "after_key" not in filters:
        return []
    has_start = "after_start" in filters
    if descending:
        if has_start:
            return [or_(starts.is_(None), starts < _AFTER, and_(starts == _AFTER, key < _AFTER_KEY))]
        return [starts.is_(None), key < _AFTER_KEY]
    if has_start:
        return [starts >= _AFTER, or_(starts > _AFTER, key > _AFTER_KEY)]
    return [or_(starts.is_not(None), key > _AFTER_KEY)]
