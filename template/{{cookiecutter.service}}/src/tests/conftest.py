"""Fixtures: both databases, and an application on each."""

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
    """Run every test on both databases."""
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
    """Yield an application on a database, as in production: TESTING is off, so errors are what callers get."""
    app = build_app(settings.load(environ={"INVSYS_CONFIG": os.devnull, "INVSYS_DATABASE_URL": url, **more}))
    yield app
    with app.app_context():
        disconnect()


@pytest.fixture(scope="session")
def migrated_app(new_url):
    """The application on a migrated database, shared by all tests of an engine."""
    with application(new_url()) as app:
        with app.app_context():
            upgrade()
        yield app


@pytest.fixture
def app(migrated_app):
    """The application on a migrated database without rows."""
    yield migrated_app
    with migrated_app.app_context(), db.engine.begin() as connection:
        for table in reversed(db.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def fresh_app(new_url):
    """The application on a database without tables, in its context."""
    with application(new_url()) as app, app.app_context():
        yield app


@pytest.fixture
def client(app):
    return app.test_client()
