"""What a database reads for a question: neither what is past, nor the allocations of other vehicles."""

import json
from contextlib import closing

import pytest
from sqlalchemy import event, text

from invsys.inventory import expiry
from invsys.inventory.models import db
from invsys.inventory.straight import compiled

VEHICLES, BUSY, PAST = 20, 10, 1000
FLEET = """
INSERT INTO continuous_resources (id, resource_type, name)
SELECT gen_random_uuid(), 'Car', number FROM generate_series(1, :vehicles) AS number"""
# In turns, as a fleet works: the index of everybody's starts has them mixed.
ALLOCATIONS = """
INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
SELECT gen_random_uuid(), key, start, start + interval '1 hour'
FROM (SELECT key FROM continuous_resources ORDER BY key LIMIT :busy) AS busy, generate_series(1, :past) AS day,
    LATERAL (SELECT timestamptz '2020-01-01Z' + make_interval(days => day, secs => key) AS start) AS begins
ORDER BY day"""


@pytest.fixture
def fleet(engine, app):
    """Vehicles of which half have a long past, and the others nothing."""
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(FLEET), {"vehicles": VEHICLES})
        connection.execute(text(ALLOCATIONS), {"busy": BUSY, "past": PAST})
        connection.execute(text("ANALYZE"))


@pytest.fixture
def rows_read(app, client):
    """Ask for a page; gives how many rows of allocations the last statement of it read."""
    asked = []

    def keep(connection, cursor, statement, parameters, context, many):
        asked.append((statement, parameters))

    def rows_read(url):
        with app.app_context():
            engine = db.engines["single"]
        event.listen(engine, "before_cursor_execute", keep)
        assert client.get(url).status_code == 200
        event.remove(engine, "before_cursor_execute", keep)
        statement, parameters = asked[-1]
        with engine.connect() as connection:
            found = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
        (explained,) = found if isinstance(found, list) else json.loads(found)
        return sum(_rows(explained["Plan"]))

    return rows_read


def _rows(plan):
    if plan.get("Relation Name") == "continuous_resource_allocations":
        yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from _rows(inner)


@pytest.mark.parametrize(
    "url",
    [
        "/api/cars?available_from=2099-01-01T00:00:00Z&available_to=2099-01-02T00:00:00Z",
        "/api/cars?available_from=2021-01-01T00:00:00Z&available_to=2021-01-02T00:00:00Z",
        "/api/cars/all/allocations?limit=20&from=2099-01-01T00:00:00Z",
        "/api/cars/all/allocations?limit=20&from=2022-09-01T00:00:00Z",
        "/api/cars/all/allocations?limit=20&from=2022-09-01T00:00:00Z&to=2022-09-03T00:00:00Z",
    ],
)
@pytest.mark.usefixtures("fleet")
def test_only_the_neighbours_are_read(engine, rows_read, url):
    if engine == "sqlite":
        return
    assert rows_read(url) <= 25 * VEHICLES


def test_sqlite_looks_for_expired_holds_among_holds_alone(engine, app):
    if engine == "postgresql":
        return
    with app.app_context(), closing(db.engine.raw_connection()) as connection:
        statement = compiled(expiry._CLEAR_OF_TYPE.change, db.engine.dialect, "named")
        sought = {"start": None, "end": None, "resource_type": "Car"}
        plan = connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.bind(sought)).fetchall()
    assert any("ix_continuous_resource_allocations_expires" in step[-1] for step in plan), plan
