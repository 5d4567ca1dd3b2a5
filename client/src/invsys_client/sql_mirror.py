"""A store for ``mirror`` in three tables of a database of the caller."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from invsys_client.calls.mirror import Batch
from invsys_client.records import Allocation, Resource

_TABLES = (
    "invsys_cursor (cursor text NOT NULL)",
    """invsys_resources (id varchar(36) PRIMARY KEY, resource_type varchar(255) NOT NULL, name varchar(36) NOT NULL,
    closed_from varchar(32), version bigint NOT NULL, attributes text NOT NULL)""",
    """invsys_allocations (id varchar(36) PRIMARY KEY, resource_type varchar(255) NOT NULL,
    resource_id varchar(36) NOT NULL, start_time varchar(32), end_time varchar(32),
    allocation_type varchar(20) NOT NULL, reference varchar(128), status varchar(16) NOT NULL, expires varchar(32),
    version bigint NOT NULL, description varchar(100), dump text NOT NULL)""",
)
_RESOURCE = ("id", "resource_type", "name", "closed_from", "version", "attributes")
_ALLOCATION = (
    *("id", "resource_type", "resource_id", "start_time", "end_time", "allocation_type", "reference", "status"),
    *("expires", "version", "description", "dump"),
)
# The columns whose names differ from those of the records, because they are words of SQL.
_FIELDS = {"start_time": "start", "end_time": "end"}


class SqlMirror:
    """The tables ``invsys_resources``, ``invsys_allocations`` and ``invsys_cursor``, created if they do not exist.

    ``connection`` is a connection of the Python Database API (PEP 249) without autocommit, for example from sqlite3 or
    psycopg; ``placeholder`` marks a parameter: ``?`` for sqlite3, ``%s`` for psycopg. Times are texts in UTC, such as
    ``2026-11-20T10:00:00Z``; NULL is infinite. A hold ends at ``expires``, even if the row still exists.
    """

    def __init__(self, connection: Any, placeholder: str = "?") -> None:
        self._connection, self._placeholder = connection, placeholder
        for table in _TABLES:
            self._execute(f"CREATE TABLE IF NOT EXISTS {table}")
        connection.commit()

    def cursor(self) -> str | None:
        """Return the stored cursor; first undo what an interrupted call left behind."""
        self._connection.rollback()
        row = self._execute("SELECT cursor FROM invsys_cursor").fetchone()
        return None if row is None else str(row[0])

    def write(self, batch: Batch) -> None:
        """Write a batch, and commit if it has a cursor."""
        if batch.clear:
            self._execute("DELETE FROM invsys_resources")
            self._execute("DELETE FROM invsys_allocations")
        replaced = [record.id for record in batch.stored]
        for table in ("invsys_resources", "invsys_allocations"):
            self._execute_many(f"DELETE FROM {table} WHERE id = ?", [(key,) for key in (*batch.deleted, *replaced)])
        self._insert("invsys_resources", _RESOURCE, [one for one in batch.stored if isinstance(one, Resource)])
        self._insert("invsys_allocations", _ALLOCATION, [one for one in batch.stored if isinstance(one, Allocation)])
        if batch.cursor is not None:
            self._execute("DELETE FROM invsys_cursor")
            self._execute_many("INSERT INTO invsys_cursor VALUES (?)", [(batch.cursor,)])
            self._connection.commit()

    def rollback(self) -> None:
        """Undo what a failed call has written, and end its transaction."""
        self._connection.rollback()

    def _insert(self, table: str, columns: tuple[str, ...], records: Iterable[Resource | Allocation]) -> None:
        rows = [_row(record, columns) for record in records]
        marks = ", ".join("?" * len(columns))
        self._execute_many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def _execute(self, statement: str) -> Any:
        cursor = self._connection.cursor()
        cursor.execute(statement)
        return cursor

    def _execute_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._connection.cursor().executemany(statement.replace("?", self._placeholder), rows)


def _row(record: Resource | Allocation, columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(_value(getattr(record, _FIELDS.get(column, column))) for column in columns)


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return json.dumps(value) if isinstance(value, dict) else value
