"""Query plans: no query reads past allocations or allocations of other vehicles or clients."""

import itertools
import uuid

import pytest
from sqlalchemy import text

from invsys.inventory.commands import client_limits, delete_allocation, expire_holds, locked_allocation
from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts
from invsys.inventory.queries import allocations as allocation_queries
from invsys.inventory.queries.allocation_pages import page_statement
from tests.support.client_identity import OWN_ONLY
from tests.support.query_plans import PAST, VEHICLES, execute, rows_in


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
def test_a_query_reads_only_neighbouring_allocations(engine, rows_read, url):
    if engine == "sqlite":
        return
    assert rows_read(url) <= 25 * VEHICLES


OWNERS = """
UPDATE continuous_resource_allocations SET client_id = CASE WHEN key % 1000 = 7 THEN 'few' ELSE 'many' END
WHERE key % 2 = 1"""


@pytest.fixture
def owned(engine, app, fleet):
    """On PostgreSQL, give half of the allocations an owner, nearly all of them the same one."""
    if engine == "sqlite":
        return
    execute(app, OWNERS)


@pytest.mark.parametrize(
    ("client_id", "query", "max_rows"),
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
def test_a_clients_list_of_all_vehicles_reads_its_own_allocations(engine, rows_read, client_id, query, max_rows):
    if engine == "sqlite":
        return
    headers = {"X-Client-Id": client_id, **OWN_ONLY}
    assert rows_read(f"/api/cars/all/allocations?allocation_type=booking{query}", headers) <= max_rows


@pytest.mark.usefixtures("owned")
def test_a_clients_list_of_one_vehicle_reads_that_vehicles_allocations(engine, client, rows_read):
    if engine == "sqlite":
        return
    car = client.get("/api/cars").json[0]["id"]
    for client_id in ("few", "many"):
        for path in ("allocations?limit=1000", "allocations.ics"):
            assert rows_read(f"/api/cars/{car}/{path}", {"X-Client-Id": client_id, **OWN_ONLY}) <= PAST


REFERENCES = """
UPDATE continuous_resource_allocations SET reference = CASE WHEN key % 1000 = 7 THEN 'few' ELSE 'many' END
WHERE key % 2 = 1"""


@pytest.fixture
def referenced(engine, app, fleet):
    """On PostgreSQL, give half of the allocations a reference, nearly all of them the same one."""
    if engine == "sqlite":
        return
    execute(app, REFERENCES)


@pytest.mark.parametrize(
    ("reference", "query", "max_rows"),
    [
        ("few", "", 30),
        ("few", "&from=2022-01-01T00:00:00Z", 30),
        ("few", "&from=2021-01-01T00:00:00Z&to=2022-09-01T00:00:00Z&limit=3", 30),
        ("many", "&limit=20", 50),
        ("nobody's", "", 0),
    ],
)
@pytest.mark.usefixtures("referenced")
def test_a_reference_is_found_by_its_index(engine, client, rows_read, reference, query, max_rows):
    if engine == "sqlite":
        return
    assert rows_read(f"/api/cars/all/allocations?reference={reference}{query}") <= max_rows
    car = client.get("/api/cars").json[0]["id"]
    assert rows_read(f"/api/cars/{car}/allocations?limit=1000&reference={reference}") <= PAST


NAMES = {"resource_type": "Car", "owner": "one"}


@pytest.mark.parametrize("others", [(), ("start", "end"), ("after_key",), ("after_start", "after_key"), ("owner",)])
def test_sqlite_finds_a_reference_by_its_index(engine, plan, others):
    if engine == "postgresql":
        return
    values = {**NAMES, **dict.fromkeys(("reference", "resource_key", *others)), "limit": 9}
    steps = plan(page_statement(frozenset({"reference", *others}), None), **values)
    assert "ix_continuous_resource_allocations_reference (reference=?" in steps
    assert "TEMP B-TREE" not in steps
    steps = plan(page_statement(frozenset({"reference", "resource_key", *others}), None), **values)
    assert "ix_continuous_resource_allocations_reference" not in steps


BY_NAME = {
    "sqlite": "EXPLAIN QUERY PLAN {} ORDER BY name",
    "postgresql": 'EXPLAIN {} ORDER BY name COLLATE "C"',
}
IN_CIRCULATION = "SELECT name FROM continuous_resources WHERE resource_type = 'Car' AND decommissioned IS NULL"


def test_vehicles_are_ordered_by_code_point_without_a_sort(engine, app):
    with app.app_context(), db.engine.connect() as connection:
        if engine == "postgresql":
            connection.execute(text("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off"))
        rows = connection.execute(text(BY_NAME[engine].format(IN_CIRCULATION)))
        steps = "\n".join(str(row[-1]) for row in rows)
    assert "continuous_resources_name" in steps
    assert "Sort" not in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("filters", [(), ("after_key",), ("after_start", "after_key"), ("allocation_type",)])
def test_sqlite_pages_an_owners_allocations_by_index(engine, plan, filters):
    if engine == "postgresql":
        return
    steps = plan(page_statement(frozenset({"owner", *filters}), None), **NAMES, limit=9)
    assert "ix_continuous_resource_allocations_client_id (client_id=?" in steps
    assert "TEMP B-TREE" not in steps


def test_sqlite_does_not_read_all_past_allocations_of_an_owner(engine, plan):
    if engine == "postgresql":
        return
    within = "continuous_resource_allocations_client_id (client_id=? AND starts"
    for window in (["start"], ["end"], ["start", "end"]):
        filters = frozenset({"owner", *window})
        steps = plan(page_statement(filters, None), **NAMES, limit=9)
        assert steps.count(within) == 2
        assert "client_id=?)" not in steps
        steps = plan(page_statement(filters | {"resource_key"}, None), **NAMES, limit=9)
        assert "continuous_resource_allocations_client_id" not in steps


def test_sqlite_finds_an_owners_allocation_by_its_id(engine, plan):
    if engine == "postgresql":
        return
    values = {**NAMES, "allocation_id": uuid.uuid4(), "resource_id": uuid.uuid4()}
    owned = [statement for (_, owned), statement in allocation_queries._ALLOCATION.items() if owned]
    for statement in owned:
        assert "continuous_resource_allocations_client_id" not in plan(statement, **values)
    assert "ix_events_allocation_id_of_owned_hold" in plan(locked_allocation._OWNED_EXPIRED, **values)


def test_sqlite_searches_expired_holds_in_the_index_of_holds(engine, plan):
    if engine == "postgresql":
        return
    changes = [expire_holds._EXPIRE_CONFLICTS_OF_TYPE.change, expire_holds._EXPIRE_ANY.change]
    for statement in (*changes, expire_holds._DELETE_OF_DECOMMISSIONED):
        steps = plan(statement, start=None, end=None, resource_type="Car")
        assert "ix_continuous_resource_allocations_expires" in steps
        assert "SCAN continuous" not in steps


def test_sqlite_finds_an_allocation_to_change_by_its_id(engine, plan):
    if engine == "postgresql":
        return
    values = {**NAMES, "allocation_id": uuid.uuid4(), "resource_id": uuid.uuid4(), "new_resource_id": uuid.uuid4()}
    kinds = list(itertools.product((False, True), repeat=3))
    statements = [
        locked_allocation.locking_statement(by_vehicle, owned, moves, True) for by_vehicle, owned, moves in kinds
    ]
    for statement in (*statements, *(deletion.change for deletion in delete_allocation._DEALLOCATE.values())):
        steps = plan(statement, **values)
        for unwanted in ("continuous_resource_allocations_client_id", "resource_key=?", "SCAN continuous"):
            assert unwanted not in steps


HOLDS = """
UPDATE continuous_resource_allocations SET client_id = 'many', expires = now() + make_interval(hours => :hours)
WHERE key % 500 = :rest"""
COUNTS = (client_limits._COUNT_UP_TO, client_limits._COUNT, client_limits._SECONDS_LEFT)
LIMITS = {"of_client": "many", "max_holds": 1000, "position": 5}


@pytest.mark.usefixtures("owned")
def test_counting_a_clients_holds_reads_only_active_holds(engine, app):
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.connect() as connection:
        disable_timeouts(connection)
        for rest, hours in ((1, 1), (2, -1)):
            connection.execute(text(HOLDS), {"rest": rest, "hours": hours})
        connection.execute(text("ANALYZE"))
        for statement in COUNTS:
            bound = statement.params(LIMITS)
            sql = bound.compile(db.engine, compile_kwargs={"literal_binds": True})
            (explained,) = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")).scalar_one()
            assert rows_in(explained["Plan"]) <= VEHICLES * PAST / 500


@pytest.mark.parametrize("statement", COUNTS, ids=("up to", "all", "seconds left"))
def test_sqlite_counts_holds_in_the_index_of_active_holds(engine, plan, statement):
    if engine == "postgresql":
        return
    steps = plan(statement, **LIMITS)
    assert "ix_continuous_resource_allocations_expires (expires>?)" in steps
    assert "continuous_resource_allocations_client_id" not in steps
    assert "TEMP B-TREE" not in steps
