"""The baseline of the cost table, called the floor: a minimal Flask route for each request, with plain SQL and orjson.

Nothing is validated, logged or counted, and the responses contain the values as the database driver returns them.
``minimal_baseline.py`` is a create without Flask, which runs under the production server.
"""

import socket
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import psycopg
from flask import Flask, Response, request

from benchmarks import minimal_baseline

Values = dict[str, Any]
Rows = Sequence[Sequence[Any]]

# The fields of an allocation on the wire, in the order in which ``_ITEMS`` selects them.
_FIELDS = (
    *("id", "resource_id", "resource_type", "from_datetime", "to_datetime", "allocation_type"),
    *("description", "reference", "dump", "created", "expires", "version"),
)

_ITEMS = """
    SELECT a.id, r.id, r.resource_type, a.starts, a.ends, a.allocation_type,
           a.description, a.reference, a.dump, a.created, a.expires, a.version
    FROM continuous_resource_allocations AS a JOIN continuous_resources AS r ON r.key = a.resource_key
    WHERE r.resource_type = 'Car' AND r.decommissioned IS NULL
"""
_EVENT = """
    INSERT INTO events
        (id, kind, resource_type, resource_id, allocation_id, created, version, starts, ends,
         allocation_type, description, reference, dump, expires)
"""
_COPIED = (
    "a.id, a.created, a.version, a.starts, a.ends, a.allocation_type, a.description, a.reference, a.dump, a.expires"
)


class Database(Protocol):
    """A database connection, with a method for each kind of request.

    ``values`` contains the members of the request body and the ids from the path. Allocations are returned as rows with
    the columns of ``_ITEMS``.
    """

    def create(self, values: Values) -> Sequence[Any] | None:
        """Insert an allocation and its event; return ``created``, ``version``, ``expires``, or None on a conflict."""

    def conflicts(self, values: Values) -> Rows:
        """Return the allocations of the vehicle that overlap the period."""

    def get(self, allocation_id: uuid.UUID) -> Rows:
        """Return one allocation."""

    def first(self, count: int) -> Rows:
        """Return the first ``count`` allocations."""

    def change(self, values: Values) -> Rows:
        """Change the end of an allocation and insert the event; return the allocation."""


class PostgreSQL:
    """A connection to PostgreSQL in autocommit mode; each request is one statement."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def _rows(self, statement: str, values: Mapping[str, Any]) -> Rows:
        return self._connection.execute(statement.encode(), values).fetchall()

    def create(self, values: Values) -> Sequence[Any] | None:
        return self._connection.execute(minimal_baseline.STATEMENT, values).fetchone()

    def conflicts(self, values: Values) -> Rows:
        overlap = "tstzrange(a.starts, a.ends) && tstzrange(%(from_datetime)s, %(to_datetime)s)"
        return self._rows(f"{_ITEMS} AND r.id = %(resource_id)s AND {overlap} LIMIT 10", values)

    def get(self, allocation_id: uuid.UUID) -> Rows:
        return self._rows(f"{_ITEMS} AND a.id = %(id)s", {"id": allocation_id})

    def first(self, count: int) -> Rows:
        return self._rows(f"{_ITEMS} ORDER BY a.starts NULLS FIRST, a.key LIMIT %(count)s", {"count": count})

    def change(self, values: Values) -> Rows:
        statement = f"""
            WITH a AS (
                UPDATE continuous_resource_allocations SET ends = %(to_datetime)s, version = version + 1
                WHERE id = %(id)s RETURNING *
            ), event AS (
                {_EVENT} SELECT gen_random_uuid(), 'allocation_changed', 'Car', r.id, {_COPIED}
                FROM a JOIN continuous_resources AS r ON r.key = a.resource_key
            ) {_ITEMS.replace("continuous_resource_allocations AS a", "a")}
        """
        return self._rows(statement, values)


class SQLite:
    """A connection to SQLite with the service's options: WAL, synchronous=FULL, BEGIN IMMEDIATE for each change."""

    def __init__(self, file: str) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def _rows(self, statement: str, values: Mapping[str, Any]) -> Rows:
        return self._connection.execute(statement, values).fetchall()

    def _changed(self, statement: str, kind: str, values: Values) -> Rows:
        """Execute ``statement``, insert an event of this kind, commit, and return the rows of ``statement``.

        If a constraint rejects a row, roll back and return no rows.
        """
        event = f"""
            {_EVENT} SELECT lower(hex(randomblob(16))), '{kind}', 'Car', r.id, {_COPIED}
            FROM continuous_resource_allocations AS a JOIN continuous_resources AS r ON r.key = a.resource_key
            WHERE a.id = :id
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            rows = self._rows(statement, values)
            self._connection.execute(event, values)
        except sqlite3.IntegrityError:
            self._connection.rollback()
            return []
        self._connection.execute("COMMIT")
        return rows

    def create(self, values: Values) -> Sequence[Any] | None:
        statement = """
            INSERT INTO continuous_resource_allocations
                (resource_key, id, starts, ends, allocation_type, description, dump)
            SELECT key, :id, :starts, :ends, :allocation_type, :description, '{}'
            FROM continuous_resources
            WHERE id = :resource_id AND resource_type = 'Car' AND decommissioned IS NULL
            RETURNING created, version, expires
        """
        rows = self._changed(statement, "allocated", _stored(values))
        return rows[0] if rows else None

    def conflicts(self, values: Values) -> Rows:
        overlap = "a.starts < :ends AND a.ends > :starts"
        return self._rows(f"{_ITEMS} AND r.id = :resource_id AND {overlap} LIMIT 10", _stored(values))

    def get(self, allocation_id: uuid.UUID) -> Rows:
        return self._rows(f"{_ITEMS} AND a.id = :id", {"id": allocation_id.hex})

    def first(self, count: int) -> Rows:
        return self._rows(f"{_ITEMS} ORDER BY a.starts NULLS FIRST, a.key LIMIT :count", {"count": count})

    def change(self, values: Values) -> Rows:
        statement = """
            UPDATE continuous_resource_allocations SET ends = :ends, version = version + 1 WHERE id = :id
            RETURNING id, resource_key, 'Car', starts, ends, allocation_type,
                      description, reference, dump, created, expires, version
        """
        return self._changed(statement, "allocation_changed", _stored(values))


def _stored(values: Values) -> Values:
    """Return the values as SQLite stores them: ids in hexadecimal, timestamps as sortable text in UTC."""
    stored = {name: value.hex if isinstance(value, uuid.UUID) else value for name, value in values.items()}
    for name, column in (("from_datetime", "starts"), ("to_datetime", "ends")):
        if name in values:
            instant = datetime.fromisoformat(values[name]).astimezone(UTC)
            stored[column] = instant.isoformat(" ", "microseconds")[:26]
    return stored


def connect(url: str) -> Database:
    """Return a connection to the database at ``url`` (see ``databases``)."""
    return SQLite(url.removeprefix("sqlite:///")) if url.startswith("sqlite:") else PostgreSQL(url)


def inventory(database: Database) -> Flask:
    """Build a minimal application for the same requests as the inventory's, with ``database``."""
    app = Flask(__name__, static_folder=None)

    @app.post("/api/cars/<uuid:resource_id>/allocations")
    def create(resource_id: uuid.UUID) -> Response:
        values = {**orjson.loads(request.get_data()), "id": uuid.uuid4(), "resource_id": resource_id}
        row = database.create(values)
        if row is None:
            return _json({"status": 409, "conflicts": _items(database.conflicts(values))}, 409)
        return _json({**values, "created": row[0], "version": row[1], "expires": row[2]}, 201)

    @app.get("/api/cars/all/allocations/<uuid:allocation_id>")
    def get(allocation_id: uuid.UUID) -> Response:
        return _json(_items(database.get(allocation_id))[0])

    @app.get("/api/cars/all/allocations")
    def first() -> Response:
        return _json(_items(database.first(int(request.args["limit"]))))

    @app.patch("/api/cars/all/allocations/<uuid:allocation_id>")
    def change(allocation_id: uuid.UUID) -> Response:
        values = {**orjson.loads(request.get_data()), "id": allocation_id}
        return _json(_items(database.change(values))[0])

    return app


def _items(rows: Rows) -> list[Values]:
    return [dict(zip(_FIELDS, row, strict=True)) for row in rows]


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, mimetype="application/json")


def gateway(port: int) -> Flask:
    """Build a minimal gateway, which forwards every GET to 127.0.0.1:``port`` over one keep-alive connection."""
    app = Flask(__name__, static_folder=None)
    upstream = socket.create_connection(("127.0.0.1", port))

    @app.get("/<path:path>")
    def forward(path: str) -> Response:
        accept = request.headers["Accept"]
        upstream.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode())
        head, body = _received(upstream)
        return Response(body, int(head[9:12]), mimetype="application/json")

    return app


def _received(connection: socket.socket) -> tuple[bytes, bytes]:
    """Receive a response that has a Content-Length; return its head and its body."""
    head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head, body
