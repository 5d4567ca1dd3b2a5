"""A minimal create in Python ("create, floor" in the table): a bare WSGI function that executes one statement.

The statement inserts the allocation and its event. Each thread has a psycopg connection in autocommit mode. Nothing is
validated, logged or counted.
"""

import os
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg

# The statement that the service uses for a create without an Idempotency-Key.
STATEMENT = b"""
    WITH allocation AS (
        INSERT INTO continuous_resource_allocations
            (resource_key, id, starts, ends, allocation_type, description, dump)
        SELECT key, %(id)s, %(from_datetime)s, %(to_datetime)s, %(allocation_type)s, %(description)s, '{}'
        FROM continuous_resources
        WHERE id = %(resource_id)s AND resource_type = 'Car' AND decommissioned IS NULL
        FOR KEY SHARE
        ON CONFLICT DO NOTHING
        RETURNING *
    )
    INSERT INTO events
        (id, kind, resource_type, resource_id, allocation_id, created, version, starts, ends,
         allocation_type, description, reference, dump, expires)
    SELECT gen_random_uuid(), 'allocated', 'Car', %(resource_id)s, id, created, version, starts, ends,
           allocation_type, description, reference, dump, expires
    FROM allocation
    RETURNING created, version, expires
"""

_thread_local = threading.local()


def _connection() -> psycopg.Connection:
    try:
        connection: psycopg.Connection = _thread_local.connection
    except AttributeError:
        connection = _thread_local.connection = psycopg.connect(os.environ["INVSYS_DATABASE_URL"], autocommit=True)
    return connection


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    body = orjson.loads(environ["wsgi.input"].read())
    values = {**body, "id": uuid.uuid4(), "resource_id": uuid.UUID(environ["PATH_INFO"].split("/")[3])}
    row = _connection().execute(STATEMENT, values).fetchone()
    if row is None:
        start_response("409 Conflict", [("Content-Length", "0")])
        return [b""]
    content = orjson.dumps({**values, "created": row[0], "version": row[1], "expires": row[2]})
    start_response("201 Created", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
