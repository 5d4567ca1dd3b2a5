"""The transactional outbox: a change is stored together with its event and the caller's Idempotency-Key.

On PostgreSQL, one statement stores all three: it builds the event from the rows that the change returns, and the key
from the event. SQLite does not support changes inside another statement, so up to three statements run in a
transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    JSON,
    ColumnElement,
    Connection,
    Delete,
    FromClause,
    Insert,
    Select,
    String,
    Table,
    Update,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType

from invsys.inventory.caller import Caller
from invsys.inventory.db.functions import in_subquery, json_array_elements, json_array_position, new_id
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, IdempotencyKey, Row

Change = Insert | Update | Delete
Values = dict[str, Any]
# Executes a statement and returns its rows.
Execute = Callable[[Any, Values], list[Row]]

_resource: Table = ContinuousResource.__table__
_allocation: Table = ContinuousResourceAllocation.__table__
_event: Table = Event.__table__
_key: Table = IdempotencyKey.__table__

# The columns that an event copies from the changed row.
_COPIED = {
    _resource.name: ("created", "version", "name", "attributes", "closed_from"),
    _allocation.name: (
        *("created", "version", "starts", "ends"),
        *("allocation_type", "description", "reference", "dump", "expires"),
    ),
}
# The client id of the caller. The parameter is not called client_id, because SQLAlchemy would then set the column of
# this name in every UPDATE that gets the parameter.
CALLER_CLIENT_ID = bindparam("caller_client_id", type_=String)
_CALLER_REQUEST_ID = bindparam("caller_request_id", type_=String)


@dataclass(frozen=True)
class OutboxChange:
    """A change of one table with the statements that store its event and key.

    PostgreSQL executes ``combined``, SQLite executes the other statements. Each resulting row has the columns
    ``event_key``, ``id``, ``resource_id``, ``resource_type``, ``created``, ``version`` and ``expires``.
    """

    combined: Select[Any]
    change: Change
    insert_event: Insert
    insert_key: Insert | None

    def run(self, dialect: str, execute: Execute, params: Values) -> list[Row]:
        """Execute the change and return a row for each changed item; ``params`` include ``caller_params(caller)``."""
        if dialect == "postgresql":
            return execute(self.combined, params)
        changed_rows = execute(self.change, params)
        rows = [row for changed_row in changed_rows for row in execute(self.insert_event, {**params, **changed_row})]
        if rows and self.insert_key is not None:
            execute(self.insert_key, {**params, "events": [row["event_key"] for row in rows]})
        return rows

    def run_in(self, connection: Connection, params: Values) -> list[Row]:
        """Execute the change as ``run`` does, in the transaction of a SQLAlchemy connection."""

        def execute(statement: Any, values: Values) -> list[Row]:
            result = connection.execute(statement, values)
            return list(result.mappings()) if result.returns_rows else []

        return self.run(connection.dialect.name, execute, params)


def caller_params(caller: Caller) -> Values:
    """Return the bind parameters of the caller: client id, request id, owner filter, idempotency key, fingerprint."""
    return {
        "caller_client_id": caller.client_id,
        "caller_request_id": caller.request_id,
        "owner": caller.owner,
        "key_client_id": caller.client_id or "",
        "idempotency_key": caller.key,
        "fingerprint": caller.fingerprint,
    }


def with_event(
    build_change: Callable[[Any], Change],
    kind: str | ColumnElement[str],
    *,
    keyed: bool = False,
    vehicles: FromClause = _resource,
) -> OutboxChange:
    """Combine a change of vehicles or allocations with its event and, if ``keyed``, with the caller's key.

    ``build_change`` is called for each dialect with its ``insert`` function, which supports ON CONFLICT. ``vehicles``
    has ``key``, ``id`` and ``resource_type`` of the vehicles of changed allocations: it may be a CTE of the change.
    """
    change = build_change(postgresql.insert)
    table = change.table
    assert isinstance(table, Table)
    changed_rows = change.returning(*table.columns).cte("changed_rows")
    event = _insert_event(table, dict(changed_rows.columns), kind, vehicles=vehicles).cte("event")
    combined = select(*event.columns)
    if keyed:
        combined = combined.add_cte(_insert_key(func.json_agg(event.c.event_key), event).cte("stored_key"))
    # SQLite gets the columns back as parameters, so no type converts them.
    unconverted = [type_coerce(column, NullType()).label(column.name) for column in table.columns]
    parameters: dict[str, Any] = {column.name: bindparam(column.name) for column in table.columns}
    return OutboxChange(
        combined,
        change=build_change(sqlite.insert).returning(*unconverted),
        insert_event=_insert_event(table, parameters, kind),
        insert_key=_insert_key(bindparam("events", type_=_key.c.events.type)) if keyed else None,
    )


def _insert_event(
    table: Table,
    changed: Mapping[str, Any],
    kind: str | ColumnElement[str],
    *conditions: ColumnElement[bool],
    order: ColumnElement[Any] | None = None,
    vehicles: FromClause = _resource,
) -> Insert:
    """Build the INSERT of the event of each changed row, which returns the columns that ``OutboxChange`` lists.

    ``changed`` maps the names of the table's columns to SQL expressions. ``conditions`` select the rows, and ``order``
    is the order in which their events are numbered. ``vehicles`` is as in ``with_event``.
    """
    is_vehicle = table is _resource
    values = {
        "id": new_id(),
        "kind": literal_column(f"'{kind}'") if isinstance(kind, str) else kind,
        "resource_type": changed["resource_type"] if is_vehicle else vehicles.c.resource_type,
        "resource_id": changed["id"] if is_vehicle else vehicles.c.id,
        "allocation_id": null() if is_vehicle else changed["id"],
        "client_id": CALLER_CLIENT_ID,
        "request_id": _CALLER_REQUEST_ID,
        "owner_id": null() if is_vehicle else changed["client_id"],
        **{name: changed[name] for name in _COPIED[table.name]},
    }
    source = select(*values.values()).where(*conditions).order_by(order)
    if not is_vehicle:
        source = source.where(vehicles.c.key == changed["resource_key"])
    item = _event.c.resource_id if is_vehicle else _event.c.allocation_id
    keys = (_event.c.key.label("event_key"), item.label("id"), _event.c.resource_id, _event.c.resource_type)
    return (
        insert(_event)
        .from_select(list(values), source, include_defaults=False)
        .returning(*keys, _event.c.created, _event.c.version, _event.c.expires)
    )


def _insert_key(events: ColumnElement[Any], event: CTE | None = None) -> Insert:
    """Build the INSERT of the caller's key with the keys of its events; ``event`` is the CTE to read, if any."""
    names = {"client_id": "key_client_id", "key": "idempotency_key", "fingerprint": "fingerprint"}
    params = [bindparam(name, type_=_key.c[column].type) for column, name in names.items()]
    source = select(*params, events)
    if event is not None:
        # Without HAVING, the aggregate returns a row even if nothing was changed.
        source = source.select_from(event).having(func.count() > literal_column("0"))
    return insert(_key).from_select([*names, "events"], source, include_defaults=False)


_KEYS, _CONFIRMED = (bindparam(name, type_=JSON) for name in ("keys", "confirmed"))
_INSERT_EVENTS = _insert_event(
    _allocation,
    dict(_allocation.columns),
    case(
        (in_subquery(_allocation.c.key, json_array_elements(_CONFIRMED)), literal_column("'confirmed'")),
        else_=literal_column("'allocation_changed'"),
    ),
    in_subquery(_allocation.c.key, json_array_elements(_KEYS)),
    order=json_array_position(_KEYS, _allocation.c.key),
)
_INSERT_KEY = _insert_key(bindparam("events", type_=_key.c.events.type))


def insert_events(connection: Connection, keys: Sequence[int], confirmed: Sequence[int], caller: Caller) -> list[Row]:
    """Insert the events of changed allocations, numbered in the order of ``keys``, and the caller's Idempotency-Key.

    The kind is ``confirmed`` for the keys that are also in ``confirmed``, otherwise ``allocation_changed``. Return
    rows with the columns that ``OutboxChange`` lists, in the order of ``keys``.
    """
    params = {**caller_params(caller), "keys": keys, "confirmed": confirmed}
    result = connection.execute(_INSERT_EVENTS, params).mappings()
    rows: list[Row] = sorted(result, key=itemgetter("event_key"))
    if caller.key is not None:
        connection.execute(_INSERT_KEY, {**params, "events": [row["event_key"] for row in rows]})
    return rows


def is_unchanged(row: Row, values: Row) -> bool:
    """Return whether the row already has these values; 1, 1.0 and true are different values."""
    return all(_canonical(row[name]) == _canonical(value) for name, value in values.items())


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
