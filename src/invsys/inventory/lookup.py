"""The questions: one vehicle, one allocation, pages of either.

Answers are mappings of columns; an allocation carries its vehicle's ``resource_id`` and ``resource_type`` too.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select

from invsys.chassis import names
from invsys.inventory import database, listing
from invsys.inventory.attributes import number, spellings
from invsys.inventory.errors import AllocationNotFound, ResourceNotFound
from invsys.inventory.expressions import attribute_is_number, attribute_text
from invsys.inventory.instants import clock
from invsys.inventory.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.period import ALWAYS, Period
from invsys.inventory.predicates import IN_CIRCULATION, OWN, is_free

_resource = ContinuousResource
_allocation = ContinuousResourceAllocation
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_RESOURCES = select(*_resource.__table__.columns).where(IN_CIRCULATION)
_RESOURCE = _RESOURCES.where(_resource.id == bindparam("resource_id"))
_THIS_ONE = listing.ALLOCATIONS.where(_allocation.id == bindparam("allocation_id"))
_OF_VEHICLE = _resource.id == bindparam("resource_id")
# By whether its vehicle is named, and whether it has to be the owner's.
_ALLOCATION = {
    (False, False): _THIS_ONE,
    (True, False): _THIS_ONE.where(_OF_VEHICLE),
    (False, True): _THIS_ONE.where(OWN),
    (True, True): _THIS_ONE.where(_OF_VEHICLE, OWN),
}


def resource(resource_type: str, resource_id: uuid.UUID) -> Row:
    """Give one vehicle in circulation; raises ResourceNotFound."""
    with database.read() as connection:
        return require_resource(connection, resource_type, resource_id)


def require_resource(connection: Connection, resource_type: str, resource_id: uuid.UUID, *, lock: bool = False) -> Row:
    """Give one vehicle within the caller's transaction, locked against every other change if ``lock``.

    Raises ResourceNotFound.
    """
    statement = _RESOURCE.with_for_update() if lock else _RESOURCE
    found = connection.execute(statement, {"resource_type": resource_type, "resource_id": resource_id})
    if (row := found.mappings().first()) is None:
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
    """Give up to ``limit`` vehicles of a type in circulation, oldest first, those after ``cursor`` (key).

    Only the one called ``name``, those that are free for the whole of ``available``, those whose attributes read as
    these (key, text), where that is asked for.
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
    with database.read() as connection:
        return connection.execute(statement, {"resource_type": resource_type}).mappings().all()


def _reads_as(key: str, text: str) -> list[ColumnElement[bool]]:
    """Return the predicates "the attribute reads as this text"; a number does so in any of its spellings."""
    found = attribute_text(_resource.attributes, key)
    if (value := number(text)) is None:
        return [found == text]
    # A string is no other spelling of a number. Only the rows that pass the first predicate are asked for it.
    is_text_or_number = or_(found == text, attribute_is_number(_resource.attributes, key))
    return [found.in_(sorted(spellings(value) | {text})), is_text_or_number]


def _is_called(name: str) -> ColumnElement[bool]:
    forms = names.spellings(name)
    return _resource.name == name if len(forms) == 1 else _resource.name.in_(forms)


def allocation(
    resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None, owner: str | None = None
) -> Row:
    """Give one allocation, of the vehicle named or of any of the type, made by ``owner`` or (None) by anybody.

    Raises AllocationNotFound.
    """
    statement = _ALLOCATION[resource_id is not None, owner is not None]
    sought = {"allocation_id": allocation_id, "resource_id": resource_id, "owner": owner}
    values = {"resource_type": resource_type, **sought}
    with database.read() as connection:
        row = connection.execute(statement, values).mappings().first()
    if row is None:
        raise AllocationNotFound(f"There is no allocation {allocation_id} here.")
    return row


def allocations(
    resource_type: str,
    limit: int,
    cursor: Sequence[int | None] | None = None,
    resource_id: uuid.UUID | None = None,
    window: Period = ALWAYS,
    allocation_type: str | None = None,
    status: str | None = None,
    owner: str | None = None,
) -> Sequence[Row]:
    """Give up to ``limit`` allocations by start, infinite ones first, those after ``cursor`` (see ``position``).

    Of one vehicle (raises ResourceNotFound where there is none), or of all of the type; only those that share an
    instant with ``window``, have this ``allocation_type`` and ``status`` (``held``, ``confirmed``), and were made by
    ``owner`` (None: any).
    """
    after, after_key = (None, None) if cursor is None else cursor
    sought = {
        "start": window.start,
        "end": window.end,
        "allocation_type": allocation_type,
        "after_start": None if after is None else _EPOCH + _MICROSECOND * after,
        "after_key": after_key,
        "resource_key": None,
        "owner": owner,
    }
    with database.read() as connection:
        if resource_id is not None:
            sought["resource_key"] = require_resource(connection, resource_type, resource_id)["key"]
        given = frozenset(name for name, value in sought.items() if value is not None)
        values = {"resource_type": resource_type, "limit": limit, **sought}
        return connection.execute(listing.statement(given, status), values).mappings().all()


def position(row: Row) -> tuple[int | None, int]:
    """Give the sort key of an allocation: microseconds from 1970 to its start (None: infinite), and its number."""
    starts: datetime | None = row["starts"]
    return None if starts is None else (starts - _EPOCH) // _MICROSECOND, row["key"]


def now() -> datetime:
    """Give the database's clock."""
    with database.read() as connection:
        return connection.execute(select(clock())).scalar_one()
