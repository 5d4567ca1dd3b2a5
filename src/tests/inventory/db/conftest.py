"""Fixtures for the database tests: a database for a single test, a connection to it, and query plans."""

from contextlib import closing

import pytest
from sqlalchemy import create_engine, event

from invsys.inventory import settings
from invsys.inventory.application import build_app
from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import connections
from tests.conftest import migrate
from tests.support.applications import close
from tests.support.databases import new_database
from tests.support.query_plans import (
    ALLOCATIONS,
    ALLOCATIONS_TABLE,
    BUSY,
    EMPTY,
    FLEET,
    PAST,
    VEHICLES,
    execute,
    rows_in,
)
from tests.support.waiting import SECONDS


@pytest.fixture
def name(pg_server):
    """The name of a migrated PostgreSQL database, which only this test uses."""
    with new_database(pg_server) as name:
        migrate(pg_server.url(name))
        yield name


@pytest.fixture
def patient_driver(monkeypatch):
    """Let new connections wait until the server says that it has canceled a statement: a busy server is late."""
    monkeypatch.setattr(connections, "_GRACE_SECONDS", SECONDS)


@pytest.fixture
def impatient_app(environ):
    """An application in which a statement may take only a second."""
    app = build_app(settings.load(environ=environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "1"}))
    yield app
    close(app)


@pytest.fixture
def sql(database_url):
    """A database connection that the service does not use; its transaction is rolled back after the test."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


@pytest.fixture
def fleet(engine, app):
    """On PostgreSQL, store vehicles: half of them have many past allocations, the others none."""
    if engine == "sqlite":
        return
    execute(app, EMPTY)
    execute(app, FLEET, vehicles=VEHICLES)
    execute(app, ALLOCATIONS, busy=BUSY, past=PAST)


@pytest.fixture
def explained(app, client):
    """Return a function that requests a page, and returns the rows of an EXPLAIN of its last statement."""
    executed = []

    def record(connection, cursor, statement, parameters, context, many):
        executed.append((statement, parameters))

    def explained(explain, url, headers=None):
        with app.app_context():
            engine = db.engines["autocommit"]
        event.listen(engine, "before_cursor_execute", record)
        response = client.get(url, headers=headers)
        event.remove(engine, "before_cursor_execute", record)
        assert response.status_code == 200, response.text
        statement, parameters = executed[-1]
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"{explain} {statement}", parameters).all()

    return explained


@pytest.fixture
def rows_read(explained):
    """Return a function that requests a page and returns how many rows of a table its last statement read."""

    def rows_read(url, headers=None, table=ALLOCATIONS_TABLE):
        (([plan],),) = explained("EXPLAIN (ANALYZE, FORMAT JSON)", url, headers)
        return rows_in(plan["Plan"], table)

    return rows_read


@pytest.fixture
def steps(explained):
    """Return a function that requests a page and returns SQLite's query plan of its last statement, as one text."""
    return lambda url: "\n".join(row[-1] for row in explained("EXPLAIN QUERY PLAN", url))


@pytest.fixture
def plan(engine, app):
    """Return a function that returns SQLite's query plan of a statement as one text; missing parameters are NULL."""

    def plan(statement, **values):
        with app.app_context(), closing(db.engine.raw_connection()) as connection:
            compiled = compile_statement(statement, db.engine.dialect, "named")
            missing = dict.fromkeys(
                statement.compile(dialect=db.engine.dialect).params.keys() - compiled.constants.keys()
            )
            params = compiled.bind({**missing, **values})
            cursor = connection.cursor().execute(f"EXPLAIN QUERY PLAN {compiled.sql}", params)
            return "\n".join(step[-1] for step in cursor.fetchall())

    return plan
