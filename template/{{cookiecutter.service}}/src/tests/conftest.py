"""Fixtures shared by all tests: a database on each engine, and an application that uses it."""

import os
import uuid
from contextlib import contextmanager

import pytest
from flask_migrate import upgrade

from depot import settings
from depot.application import build_app
from depot.db.engine import disconnect
from depot.db.models import db

from tests.postgresql import PostgreSQL

SQLITE_ONLY = "--sqlite-only"


def pytest_addoption(parser):
    parser.addoption(SQLITE_ONLY, action="store_true", help="skip PostgreSQL, on a machine without it")


def pytest_generate_tests(metafunc):
    """Run every test that uses a database on both engines, or only on SQLite with --sqlite-only."""
    if "engine" in metafunc.fixturenames:
        engines = ["sqlite"] if metafunc.config.getoption(SQLITE_ONLY) else ["sqlite", "postgresql"]
        metafunc.parametrize("engine", engines, scope="session")


@pytest.fixture(scope="session")
def postgresql():
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def new_url(engine, request, tmp_path_factory):
    """Return a function that creates an empty database and returns its URL."""
    folder = tmp_path_factory.mktemp(engine)

    def new_url():
        name = f"test_{uuid.uuid4().hex}"
        if engine == "sqlite":
            (folder / f"{name}.sqlite3").touch()
            return f"sqlite:///{folder / name}.sqlite3"
        return request.getfixturevalue("postgresql").new_database(name)

    return new_url


@contextmanager
def application(url, **more):
    """Yield an application with a database. TESTING is off, as in production, so tests get the same error responses."""
    # On a busy machine, a statement may take longer than by default.
    environ = {"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": url, "INVSYS_DATABASE_STATEMENT_TIMEOUT": "60"}
    app = build_app(settings.load(environ=environ | more))
    yield app
    with app.app_context():
        disconnect()


@pytest.fixture(scope="session")
def migrated_app(new_url):
    """An application with a migrated database, which all tests on an engine share."""
    with application(new_url()) as app:
        with app.app_context():
            upgrade()
        yield app


@pytest.fixture
def app(migrated_app):
    """An application with a migrated database, whose tables are empty."""
    yield migrated_app
    with migrated_app.app_context(), db.engine.begin() as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def fresh_app(new_url):
    """An application with a database without tables; the test runs in its application context."""
    with application(new_url()) as app, app.app_context():
        yield app


@pytest.fixture
def client(app):
    return app.test_client()
