"""Statements for the rows of a change list: lock the vehicles, delete the allocations, insert them again."""

import functools
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Dialect,
    Executable,
    Insert,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    select,
    union_all,
)

from invsys.chassis.formats import strict_json
from invsys.inventory.caller import Caller
from invsys.inventory.commands import update_allocation
from invsys.inventory.commands.change_list.entries import Placement
from invsys.inventory.db import lock_order, outbox
from invsys.inventory.db.functions import db_now, in_subquery, json_array_elements, json_array_ids, now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Row
from invsys.inventory.db.predicates import NOT_DECOMMISSIONED, OWNED, is_active, json_ids

_resource = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

# Each list of ids is one parameter, so that the text of the statements does not depend on its length.
_IS_LISTED = in_subquery(_allocation.c.id, json_array_ids(bindparam("allocation_ids", type_=JSON)))
_IS_NAMED = in_subquery(_resource.c.id, json_array_ids(bindparam("vehicle_ids", type_=JSON)))
_VEHICLES = select(*lock_order.VEHICLE).where(NOT_DECOMMISSIONED, _IS_NAMED)

_TYPES = {column.name: column.type for column in _allocation.columns}
_ROWS = bindparam("rows", type_=Text)


@functools.cache
def _insert_statement(dialect: str) -> Insert:
    """Build the INSERT of all rows, which it gets as one parameter: a JSON array of objects.

    With a parameter for each value, psycopg would parse the statement for each request: it caches no statement with so
    many parameters.
    """
    types = {**_TYPES, "hold_seconds": Integer()}
    if dialect == "postgresql":
        members = [column(name, member_type) for name, member_type in types.items()]
        rows = func.json_to_recordset(cast(_ROWS, JSON)).table_valued(*members)
        rows = rows.render_derived("listed", with_types=True)
        values = {name: rows.c[name] for name in types}
    else:
        row = func.json_each(_ROWS).table_valued("value", name="listed").c.value
        values = {name: func.json_extract(row, f"$.{name}") for name in types}
    values["expires"] = func.coalesce(now_plus(values.pop("hold_seconds")), values["expires"])
    values["changed"] = db_now()
    statement = insert(_allocation).from_select(list(values), select(*values.values()), include_defaults=False)
    return statement.execution_options(preserve_rowcount=True)


@functools.cache
def _lock_statement(owned: bool, with_attributes: bool) -> Select[Any]:
    keys = select(_allocation.c.resource_key).where(_IS_LISTED)
    if owned:
        # Do not lock the vehicles of other clients' allocations: the request cannot change these.
        keys = keys.where(OWNED)
    # A union, because PostgreSQL would read all vehicles for an OR.
    keys_of_all = union_all(keys, select(_resource.c.key).where(_IS_NAMED)).scalar_subquery()
    of_type = _resource.c.resource_type == bindparam("resource_type")
    vehicles = lock_order.lock_vehicles(of_type, in_subquery(_resource.c.key, keys_of_all), exclusive=True)
    return vehicles.add_columns(_resource.c.attributes) if with_attributes else vehicles


@functools.cache
def _delete_statement(owned: bool) -> Executable:
    of_locked_vehicle = in_subquery(
        _allocation.c.resource_key, json_array_elements(bindparam("vehicle_keys", type_=JSON))
    )
    keys = select(_allocation.c.key).where(_IS_LISTED, of_locked_vehicle, is_active())
    if owned:
        keys = keys.where(OWNED)
    locked = keys.order_by(_allocation.c.key).with_for_update().correlate(None).scalar_subquery()
    return delete(_allocation).where(in_subquery(_allocation.c.key, locked)).returning(*_allocation.columns)


def find_vehicles(connection: Connection, resource_type: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """Return the rows (``lock_order.VEHICLE``) of the vehicles in circulation with these ids, by id, without locks."""
    rows = connection.execute(_VEHICLES, {"resource_type": resource_type, "vehicle_ids": json_ids(ids)}).mappings()
    return {row["id"]: row for row in rows}


def lock_vehicles(
    connection: Connection,
    resource_type: str,
    allocation_ids: Collection[uuid.UUID],
    vehicle_ids: Iterable[uuid.UUID],
    owner: str | None,
    *,
    with_attributes: bool,
) -> dict[uuid.UUID, Row]:
    """Lock the vehicles of the allocations, and those with ``vehicle_ids``, if they are in circulation.

    Return their rows (``lock_order.VEHICLE`` and, if ``with_attributes``, attributes) by id.
    """
    params = {
        "resource_type": resource_type,
        "allocation_ids": json_ids(allocation_ids),
        "vehicle_ids": json_ids(set(vehicle_ids)),
        "owner": owner,
    }
    statement = _lock_statement(owner is not None, with_attributes)
    return {row["id"]: row for row in connection.execute(statement, params).mappings()}


def delete_allocations(
    connection: Connection,
    resource_type: str,
    allocation_ids: Collection[uuid.UUID],
    vehicles: Iterable[Row],
    owner: str | None,
) -> dict[uuid.UUID, dict[str, Any]]:
    """Delete the allocations that are active and belong to one of the locked ``vehicles``.

    Return their rows by id, as ``locked_allocation.find`` does.
    """
    by_key = {vehicle["key"]: vehicle for vehicle in vehicles}
    params = {"allocation_ids": json_ids(allocation_ids), "vehicle_keys": list(by_key), "owner": owner}
    result = connection.execute(_delete_statement(owner is not None), params)
    names = list(result.keys())
    rows = {}
    for values in result:
        row = dict(zip(names, values, strict=True))
        vehicle = by_key[row["resource_key"]]
        row |= {"resource_id": vehicle["id"]} | {name: vehicle[name] for name in ("closed_from", "archived_until")}
        row |= {"resource_type": resource_type, "has_expired": False}
        rows[row["id"]] = row
    return rows


def insert_allocations(connection: Connection, placements: Sequence[Placement], caller: Caller) -> list[Row]:
    """Insert the deleted rows with their new values, and their events; return the new rows.

    Raises IntegrityError if the new values overlap each other or another row.
    """
    keys = [placement.key for placement in placements]
    rows = strict_json.dumps(_new_rows(connection.dialect, placements))
    inserted = connection.execute(_insert_statement(connection.dialect.name), {"rows": rows}).rowcount
    if inserted != len(keys):
        raise RuntimeError(f"The database inserted {inserted} of {len(keys)} changed allocations.")
    confirmed = [
        placement.key for placement in placements if update_allocation.is_confirmation(placement.row, placement.values)
    ]
    events = outbox.insert_events(connection, keys, confirmed, caller)
    return [{**placement.row, **placement.values, **event} for placement, event in zip(placements, events, strict=True)]


def _new_rows(dialect: Dialect, placements: Sequence[Placement]) -> list[dict[str, Any]]:
    """Return the new rows as JSON objects; their values have the form in which the database stores them."""
    rows = [
        {
            **{name: placement.row[name] for name in _TYPES},
            **placement.values,
            "version": placement.row["version"] + 1,
            "hold_seconds": placement.hold_seconds,
        }
        for placement in placements
    ]
    if dialect.name == "sqlite":
        for row in rows:
            row |= {name: convert(row[name]) for name, convert in _sqlite_converters(dialect).items()}
    return rows


@functools.lru_cache
def _sqlite_converters(dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
    """Return the converters of the columns that SQLite stores as text: ids, instants, JSON.

    PostgreSQL reads these from JSON directly.
    """
    converters = {name: stored.dialect_impl(dialect).bind_processor(dialect) for name, stored in _TYPES.items()}
    return {name: convert for name, convert in converters.items() if convert is not None}
