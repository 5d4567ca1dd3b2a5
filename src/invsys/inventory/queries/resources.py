"""Queries for vehicles: one by its id, and pages of a collection. Rows are mappings of the columns."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select

from invsys.chassis import names
from invsys.inventory.attributes import number, spellings
from invsys.inventory.db import session
from invsys.inventory.db.functions import attribute_is_number, attribute_text
from invsys.inventory.db.models import ContinuousResource, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, is_free
from invsys.inventory.errors import ResourceNotFound
from invsys.inventory.period import Period

_resource = ContinuousResource

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


def resources(
    resource_type: str,
    limit: int,
    cursor: Sequence[int | None] | None = None,
    name: str | None = None,
    available: Period | None = None,
    attributes: Collection[tuple[str, str]] = (),
) -> Sequence[Row]:
    """Return up to ``limit`` vehicles of a type in circulation, oldest first, beginning after ``cursor`` (a key).

    Filters: ``name``; ``available``, a period for all of which a vehicle must be free; ``attributes``, pairs of key and
    text, all of which a vehicle must have.
    """
    statement = _RESOURCES.order_by(_resource.key).limit(limit)
    if cursor is not None:
        statement = statement.where(_resource.key > cursor[0])
    if name is not None:
        statement = statement.where(_is_called(name))
    for key, text in attributes:
        statement = statement.where(*_reads_as(key, text))
    if available is not None:
        statement = statement.where(is_free(available.start, available.end))
    with session.read() as connection:
        return connection.execute(statement, {"resource_type": resource_type}).mappings().all()


def _reads_as(key: str, text: str) -> list[ColumnElement[bool]]:
    """Build the predicates "the attribute equals this text"; a numeric attribute equals any spelling of its number."""
    value_text = attribute_text(_resource.attributes, key)
    if (value := number(text)) is None:
        return [value_text == text]
    # A string attribute equals only its own spelling. The first predicate limits the rows that need this check.
    is_text_or_number = or_(value_text == text, attribute_is_number(_resource.attributes, key))
    return [value_text.in_(sorted(spellings(value) | {text})), is_text_or_number]


def _is_called(name: str) -> ColumnElement[bool]:
    spellings = names.spellings(name)
    return _resource.name == name if len(spellings) == 1 else _resource.name.in_(spellings)
