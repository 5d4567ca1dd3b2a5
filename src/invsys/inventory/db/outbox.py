"""Every change together with its event, and with the Idempotency-Key under which it was ordered.

One statement on PostgreSQL: the change, the event made from the rows that it returns, the key made from the event.
SQLite knows no change inside another statement: there they follow one another within one transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Select,
    String,
    Table,
    Update,
    bindparam,
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
from invsys.inventory.db.functions import new_id
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event, IdempotencyKey, Row

Change = Insert | Update | Delete
Values = dict[str, Any]
# Runs a statement and gives the rows that it returns.
Execute = Callable[[Any, Values], list[Row]]

_resource: Table = ContinuousResource.__table__
_allocation: Table = ContinuousResourceAllocation.__table__
_event: Table = Event.__table__
_key: Table = IdempotencyKey.__table__

_COPIED = {
    _resource.name: ("created", "version", "name", "attributes"),
    _allocation.name: ("created", "version", "starts", "ends", "allocation_type", "description", "dump", "expires"),
}
# Not under the name of a column: it would be set in every row that is changed.
MADE_BY = bindparam("made_by", type_=String)


@dataclass(frozen=True)
class OutboxChange:
    """A change of one table and what records it.

    A row that it gives says what the database made of the item: ``event_key``, ``id``, ``resource_id``,
    ``resource_type``, ``created``, ``version``, ``expires``.
    """

    whole: Select[Any]
    change: Change
    event: Insert
    key: Insert | None

    def run(self, dialect: str, execute: Execute, values: Values) -> list[Row]:
        """Make the change with these values, ``by(caller)`` among them, and give a row for each that was changed."""
        if dialect == "postgresql":
            return execute(self.whole, values)
        changed = execute(self.change, values)
        rows = [row for made in changed for row in execute(self.event, {**values, **made})]
        if rows and self.key is not None:
            execute(self.key, {**values, "events": [row["event_key"] for row in rows]})
        return rows

    def run_in(self, connection: Connection, values: Values) -> list[Row]:
        """Do the same within a transaction of SQLAlchemy's."""

        def execute(statement: Any, given: Values) -> list[Row]:
            found = connection.execute(statement, given)
            return list(found.mappings()) if found.returns_rows else []

        return self.run(connection.dialect.name, execute, values)


def caller_params(caller: Caller) -> Values:
    """Give the values that say who makes a change, and whose allocations alone may be changed (``predicates.OWN``)."""
    return {
        "made_by": caller.client_id,
        "owner": caller.owner,
        "key_client_id": caller.client_id or "",
        "idempotency_key": caller.key,
        "fingerprint": caller.fingerprint,
    }


def with_event(make: Callable[[Any], Change], kind: str | ColumnElement[str], *, keyed: bool = False) -> OutboxChange:
    """Join a change of vehicles or allocations to the event of this kind, and where ``keyed`` to its caller's key.

    ``make`` is given each engine's own insert, the one that knows ON CONFLICT.
    """
    change = make(postgresql.insert)
    table = change.table
    assert isinstance(table, Table)
    made = change.returning(*table.columns).cte("made")
    event = _insert_event(table, dict(made.columns), kind).cte("event")
    whole = select(*event.columns)
    if keyed:
        whole = whole.add_cte(_insert_key(func.json_agg(event.c.event_key), of=event).cte("kept"))
    # As the driver gives it, so that it can be handed back without a conversion.
    raw = [type_coerce(column, NullType()).label(column.name) for column in table.columns]
    parameters: dict[str, Any] = {column.name: bindparam(column.name) for column in table.columns}
    return OutboxChange(
        whole,
        change=make(sqlite.insert).returning(*raw),
        event=_insert_event(table, parameters, kind),
        key=_insert_key(bindparam("events", type_=_key.c.events.type)) if keyed else None,
    )


def _insert_event(table: Table, changed: Mapping[str, Any], kind: str | ColumnElement[str]) -> Insert:
    """Insert the event of each ``changed`` row; returns its key and what the database made of the item."""
    of_vehicle = table is _resource
    values = {
        "id": new_id(),
        "kind": literal_column(f"'{kind}'") if isinstance(kind, str) else kind,
        "resource_type": changed["resource_type"] if of_vehicle else _resource.c.resource_type,
        "resource_id": changed["id"] if of_vehicle else _resource.c.id,
        "allocation_id": null() if of_vehicle else changed["id"],
        "client_id": MADE_BY,
        **{name: changed[name] for name in _COPIED[table.name]},
    }
    source = select(*values.values())
    if not of_vehicle:
        source = source.where(_resource.c.key == changed["resource_key"])
    item = _event.c.resource_id if of_vehicle else _event.c.allocation_id
    told = (_event.c.key.label("event_key"), item.label("id"), _event.c.resource_id, _event.c.resource_type)
    return (
        insert(_event)
        .from_select(list(values), source, include_defaults=False)
        .returning(*told, _event.c.created, _event.c.version, _event.c.expires)
    )


def _insert_key(events: ColumnElement[Any], of: CTE | None = None) -> Insert:
    names = {"client_id": "key_client_id", "key": "idempotency_key", "fingerprint": "fingerprint"}
    given = [bindparam(name, type_=_key.c[column].type) for column, name in names.items()]
    source = select(*given, events)
    if of is not None:
        # Of no rows the aggregate would be one row.
        source = source.select_from(of).having(func.count() > literal_column("0"))
    return insert(_key).from_select([*names, "events"], source, include_defaults=False)


def is_unchanged(row: Row, values: Row) -> bool:
    """Say whether the row has these values already; 1, 1.0 and true are three values."""
    return all(_canonical(row[name]) == _canonical(value) for name, value in values.items())


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
