"""Databases for individual tests, on the PostgreSQL server of the test process."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import PostgreSQL


@contextmanager
def new_database(server: PostgreSQL, options: str = "ENCODING 'UTF8' TEMPLATE template0") -> Iterator[str]:
    """Create a database and yield its name; drop it afterwards."""
    name = f"own_{uuid.uuid4().hex}"
    server.execute(f"CREATE DATABASE {name} {options}")
    yield name
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
