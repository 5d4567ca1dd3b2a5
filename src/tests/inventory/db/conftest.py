"""Fixtures of the database tests."""

import pytest

from tests.conftest import migrate
from tests.support.databases import new_database


@pytest.fixture
def name(pg_server):
    """The name of a migrated PostgreSQL database, which only this test uses."""
    with new_database(pg_server) as name:
        migrate(pg_server.url(name))
        yield name
