"""Queries for vehicles: one by its id, a page of a list, and the number of items in a list.

Rows are mappings of the columns.
"""

import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, String, bindparam, func, literal, or_, select, tuple_

from invsys.chassis import names
from invsys.inventory.attributes import number, spellings
from invsys.inventory.db import session
from invsys.inventory.db.functions import attribute_is_number, attribute_text, by_code_point
from invsys.inventory.db.models import MAX_NAME, ContinuousResource, Row
from invsys.inventory.db.predicates import IN_RESOURCE_IDS, NOT_DECOMMISSIONED, is_free, json_ids
from invsys.inventory.errors import ResourceNotFound
from invsys.inventory.period import Period
from invsys.inventory.queries.cursors import SortKey

_resource = ContinuousResource

# In this order, both databases have an index of the names.
_BY_CODE_POINT = by_code_point(_resource.name)
_LAST_CODE_POINT = "\U0010ffff"

_RESOURCES = select(*_resource.__table__.columns).where(NOT_DECOMMISSIONED)
_RESOURCE = _RESOURCES.where(_resource.id == bindparam("resource_id"))


def resource(resource_type: str, resource_id: uuid.UUID) -> Row:
    """Return one vehicle in circulation; raises ResourceNotFound."""
    with session.read() as connection:
        return require_resource(connection, resource_type, resource_id)


def require_resource(connection: Connection, resource_type: str, resource_id: uuid.UUID, *, lock: bool = False) -> Row:
    """Return one vehicle in circulation; if ``lock``, lock it FOR UPDATE until the caller's transaction ends.

    Raises ResourceNotFound.
    """
    statement = _RESOURCE.with_for_update() if lock else _RESOURCE
    result = connection.execute(statement, {"resource_type": resource_type, "resource_id": resource_id})
    if (row := result.mappings().first()) is None:
        raise ResourceNotFound(f"No {resource_type} in circulation has the id {resource_id}.")
    return row


class ResourceFilters(TypedDict, total=False):
    """The filters of a list of vehicles; a filter that is missing or None is not applied."""

    name: str | None
    name_prefix: str | None
    # The vehicle is free for this whole period.
    available: Period | None
    # Pairs of key and text, all of which the vehicle has.
    attributes: Collection[tuple[str, str]]
    resource_ids: Collection[uuid.UUID] | None


def resources(
    resource_type: str,
    limit: int,
    cursor: SortKey | None = None,
    by_name: bool = False,
    **filters: Unpack[ResourceFilters],
) -> Sequence[Row]:
    """Return up to ``limit`` vehicles of a type in circulation, beginning after ``cursor``.

    They are ordered by age, oldest first, or if ``by_name`` by the code points of their names. The cursor is the
    ``sort_key_by_age`` or ``sort_key_by_name`` of the last vehicle of the previous page.
    """
    statement = _RESOURCES.where(*_predicates(filters)).order_by(_BY_CODE_POINT if by_name else _resource.key)
    if cursor is not None and by_name:
        key, name = cursor
        # Names are unique among the vehicles in circulation, but the last vehicle may no longer be one of them.
        statement = statement.where(tuple_(_BY_CODE_POINT, _resource.key) > tuple_(literal(name, String), key))
    elif cursor is not None:
        statement = statement.where(_resource.key > cursor[0])
    with session.read() as connection:
        return connection.execute(statement.limit(limit), _params(resource_type, filters)).mappings().all()


def count(resource_type: str, most: int, **filters: Unpack[ResourceFilters]) -> int | None:
    """Return the number of vehicles of a type in circulation, or None if there are more than ``most``."""
    rows = _RESOURCES.with_only_columns(_resource.key).where(*_predicates(filters)).limit(most + 1).subquery()
    with session.read() as connection:
        statement = select(func.count()).select_from(rows)
        number: int = connection.execute(statement, _params(resource_type, filters)).scalar_one()
    return number if number <= most else None


def sort_key_by_age(row: Row) -> SortKey:
    """Return the sort key of a vehicle in a list ordered by age."""
    return (row["key"],)


def sort_key_by_name(row: Row) -> SortKey:
    """Return the sort key of a vehicle in a list ordered by name."""
    return (row["key"], row["name"])


def _params(resource_type: str, filters: ResourceFilters) -> dict[str, Any]:
    vehicles = filters.get("resource_ids")
    return {"resource_type": resource_type, "resource_ids": None if vehicles is None else json_ids(vehicles)}


def _predicates(filters: ResourceFilters) -> Iterator[ColumnElement[bool]]:
    if (name := filters.get("name")) is not None:
        yield _is_called(name)
    if (prefix := filters.get("name_prefix")) is not None:
        yield _begins_with(prefix)
    for key, text in filters.get("attributes", ()):
        yield from _reads_as(key, text)
    if (period := filters.get("available")) is not None:
        yield is_free(period.start, period.end)
    if filters.get("resource_ids") is not None:
        yield IN_RESOURCE_IDS


def _reads_as(key: str, text: str) -> list[ColumnElement[bool]]:
    """Build the predicates "the attribute equals this text"; a numeric attribute equals any spelling of its number."""
    value_text = attribute_text(_resource.attributes, key)
    if (value := number(text)) is None:
        return [value_text == text]
    # A string attribute equals only its own spelling. The first predicate limits the rows that need this check.
    is_text_or_number = or_(value_text == text, attribute_is_number(_resource.attributes, key))
    return [value_text.in_(sorted(spellings(value) | {text})), is_text_or_number]


def _begins_with(prefix: str) -> ColumnElement[bool]:
    # A range, because the databases use an index for LIKE only in some cases. No name that begins with the prefix is
    # greater than the upper bound.
    return or_(
        *(
            _BY_CODE_POINT.between(literal(text, String), literal(text + _LAST_CODE_POINT * MAX_NAME, String))
            for text in names.spellings(prefix)
        )
    )


def _is_called(name: str) -> ColumnElement[bool]:
    spellings = names.spellings(name)
    return _resource.name == name if len(spellings) == 1 else _resource.name.in_(spellings)
