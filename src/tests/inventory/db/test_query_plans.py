"""What a database reads for a question: neither what is past, nor the allocations of other vehicles or clients."""

import itertools
import json
import uuid
from contextlib import closing

import pytest
from sqlalchemy import event, text

from invsys.inventory.commands import client_limits, delete_allocation, expire_holds, locked_allocation
from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts
from invsys.inventory.queries import allocations as allocation_queries
from tests.support.owners import OWN

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
        disable_timeouts(connection)
        connection.execute(text(FLEET), {"vehicles": VEHICLES})
        connection.execute(text(ALLOCATIONS), {"busy": BUSY, "past": PAST})
        connection.execute(text("ANALYZE"))


@pytest.fixture
def rows_read(app, client):
    """Ask for a page; gives how many rows of allocations the last statement of it read."""
    asked = []

    def keep(connection, cursor, statement, parameters, context, many):
        asked.append((statement, parameters))

    def rows_read(url, headers=None):
        with app.app_context():
            engine = db.engines["autocommit"]
        event.listen(engine, "before_cursor_execute", keep)
        assert client.get(url, headers=headers).status_code == 200
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


OWNERS = """
UPDATE continuous_resource_allocations SET client_id = CASE WHEN key % 1000 = 7 THEN 'few' ELSE 'many' END
WHERE key % 2 = 1"""


@pytest.fixture
def owned(engine, app, fleet):
    """Half of the allocations are of clients, and nearly all of these of one."""
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        connection.execute(text(OWNERS))
        connection.execute(text("ANALYZE"))


@pytest.mark.parametrize(
    ("client_id", "query", "most"),
    [
        ("few", "", 30),
        ("few", "&limit=3", 10),
        ("few", "&to=2022-09-01T00:00:00Z", 30),
        ("few", "&from=2099-01-01T00:00:00Z", 3 * VEHICLES),
        ("few", "&from=2022-01-01T00:00:00Z", 4 * VEHICLES),
        ("many", "&limit=20", 50),
        ("many", "&limit=20&from=2022-09-01T00:00:00Z", 5 * VEHICLES),
        ("nobody", "", 0),
    ],
)
@pytest.mark.usefixtures("owned")
def test_of_all_vehicles_a_client_reads_its_own(engine, rows_read, client_id, query, most):
    if engine == "sqlite":
        return
    headers = {"X-Client-Id": client_id, **OWN}
    assert rows_read(f"/api/cars/all/allocations?allocation_type=booking{query}", headers) <= most


@pytest.mark.usefixtures("owned")
def test_of_one_vehicle_a_client_reads_what_the_vehicle_has(engine, client, rows_read):
    if engine == "sqlite":
        return
    car = client.get("/api/cars").json[0]["id"]
    for client_id in ("few", "many"):
        for what in ("allocations?limit=1000", "allocations.ics"):
            assert rows_read(f"/api/cars/{car}/{what}", {"X-Client-Id": client_id, **OWN}) <= PAST


@pytest.fixture
def plan(engine, app):
    """Ask SQLite how it would carry out a statement, whose parameters have these values; one text."""

    def plan(statement, **values):
        with app.app_context(), closing(db.engine.raw_connection()) as connection:
            straight = compile_statement(statement, db.engine.dialect, "named")
            cursor = connection.cursor().execute(f"EXPLAIN QUERY PLAN {straight.sql}", straight.bind(values))
            return "\n".join(step[-1] for step in cursor.fetchall())

    return plan


NAMES = {"resource_type": "Car", "owner": "one"}


@pytest.mark.parametrize("given", [(), ("end",), ("after_key",), ("after_start", "after_key"), ("allocation_type",)])
def test_sqlite_pages_through_what_an_owner_has(engine, plan, given):
    if engine == "postgresql":
        return
    values = dict.fromkeys(("end", "after_start", "after_key", "allocation_type"))
    found = plan(allocation_queries.page_statement(frozenset({"owner", *given}), None), **NAMES, **values, limit=9)
    assert "ix_continuous_resource_allocations_client_id (client_id=?" in found
    assert "TEMP B-TREE" not in found


def test_sqlite_does_not_read_all_of_an_owners_past(engine, plan):
    if engine == "postgresql":
        return
    given = frozenset({"owner", "start"})
    found = plan(allocation_queries.page_statement(given, None), **NAMES, start=None, limit=9)
    assert found.count("continuous_resource_allocations_client_id (client_id=? AND starts") == 2
    assert "client_id=?)" not in found
    found = plan(
        allocation_queries.page_statement(given | {"resource_key"}, None), **NAMES, start=None, limit=9, resource_key=1
    )
    assert "continuous_resource_allocations_client_id" not in found


def test_sqlite_looks_for_an_owners_item_by_its_id(engine, plan):
    if engine == "postgresql":
        return
    values = {**NAMES, "allocation_id": uuid.uuid4(), "resource_id": uuid.uuid4()}
    owned = [statement for (_, owned), statement in allocation_queries._ALLOCATION.items() if owned]
    for statement in owned:
        assert "continuous_resource_allocations_client_id" not in plan(statement, **values)
    assert "ix_events_allocation_id_of_owned_hold" in plan(locked_allocation._OWN_CLEARED, **values)


def test_sqlite_looks_for_expired_holds_among_holds_alone(engine, plan):
    if engine == "postgresql":
        return
    for statement in (expire_holds._CLEAR_OF_TYPE.change, expire_holds._CLEAR_ALL.change, expire_holds._LEFT_BEHIND):
        found = plan(statement, start=None, end=None, resource_type="Car")
        assert "ix_continuous_resource_allocations_expires" in found
        assert "SCAN continuous" not in found


def test_sqlite_looks_for_an_item_that_is_changed_by_its_id(engine, plan):
    if engine == "postgresql":
        return
    values = {**NAMES, "allocation_id": uuid.uuid4(), "resource_id": uuid.uuid4(), "new_resource_id": uuid.uuid4()}
    kinds = list(itertools.product((False, True), repeat=3))
    statements = [locked_allocation.locking(named, owned, moves, True) for named, owned, moves in kinds]
    for statement in (*statements, *(made.change for made in delete_allocation._DEALLOCATE.values())):
        found = plan(statement, **values)
        for read_more in ("continuous_resource_allocations_client_id", "resource_key=?", "SCAN continuous"):
            assert read_more not in found


HOLDS = """
UPDATE continuous_resource_allocations SET client_id = 'many', expires = now() + make_interval(hours => :hours)
WHERE key % 500 = :rest"""
COUNTS = (client_limits._COUNT_UP_TO, client_limits._COUNT, client_limits._SECONDS_LEFT)
OF_MANY = {"of_client": "many", "most": 1000, "place": 5}


@pytest.mark.usefixtures("owned")
def test_holds_of_a_client_are_counted_among_live_holds_alone(engine, app):
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.connect() as connection:
        disable_timeouts(connection)
        for rest, hours in ((1, 1), (2, -1)):
            connection.execute(text(HOLDS), {"rest": rest, "hours": hours})
        connection.execute(text("ANALYZE"))
        for statement in COUNTS:
            bound = statement.params(OF_MANY)
            sql = bound.compile(db.engine, compile_kwargs={"literal_binds": True})
            (explained,) = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")).scalar_one()
            assert sum(_rows(explained["Plan"])) <= VEHICLES * PAST / 500


@pytest.mark.parametrize("statement", COUNTS, ids=("up to", "all", "seconds left"))
def test_sqlite_counts_holds_among_live_holds_alone(engine, plan, statement):
    if engine == "postgresql":
        return
    found = plan(statement, **OF_MANY)
    assert "ix_continuous_resource_allocations_expires (expires>?)" in found
    assert "continuous_resource_allocations_client_id" not in found
    assert "TEMP B-TREE" not in found
