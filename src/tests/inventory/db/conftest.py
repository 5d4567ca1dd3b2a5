"""Fixtures of the database tests: databases of a single test."""

import pytest

from tests.conftest import migrate
from tests.support.databases import new_database


@pytest.fixture
def name(pg_server):
    """The name of a migrated database for this test only."""
    with new_database(pg_server) as name:
        migrate(pg_server.url(name))
        yield name
