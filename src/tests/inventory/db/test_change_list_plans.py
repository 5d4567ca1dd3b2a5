"""Query plans of change lists: no statement reads past allocations or allocations of other vehicles."""

import pytest
from sqlalchemy import event

from invsys.inventory.db.models import db
from tests.support.change_lists import CHANGES
from tests.support.query_plans import ALLOCATIONS_TABLE, VEHICLES, rows_in


@pytest.fixture
def statements_of_change_list(app, client):
    """Return a function that moves two allocations, one of them to any vehicle; it returns the executed statements."""

    def statements_of_change_list(*allocations):
        executed = []

        def record(connection, cursor, statement, parameters, context, many):
            if not statement.startswith(("BEGIN", "COMMIT", "INSERT INTO continuous")):
                executed.append((statement, parameters))

        with app.app_context():
            engines = list(db.engines.values())
        for engine in engines:
            event.listen(engine, "before_cursor_execute", record)
        one, other = allocations
        changes = [{"id": one["id"], "resource_id": "any"}, {"id": other["id"], "resource_id": one["resource_id"]}]
        response = client.post(CHANGES, json={"changes": changes})
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)
        assert response.status_code == 200, response.text
        return executed

    return statements_of_change_list


@pytest.mark.usefixtures("fleet")
def test_a_change_list_reads_its_allocations_and_their_neighbours(engine, app, client, statements_of_change_list):
    if engine == "sqlite":
        return
    last = client.get("/api/cars/all/allocations?from=2022-09-26T00:00:00Z&limit=20").json
    pair = last[0], next(row for row in last if row["resource_id"] != last[0]["resource_id"])
    executed = statements_of_change_list(*pair)
    assert len(executed) >= 5
    with app.app_context(), db.engine.connect() as connection:
        for statement, parameters in executed:
            sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            (explained,) = connection.exec_driver_sql(sql, parameters).scalar_one()
            rows = sum(rows_in(explained["Plan"], table) for table in (ALLOCATIONS_TABLE, "continuous_resources"))
            assert rows <= 3 * VEHICLES, statement


def test_sqlite_scans_no_table_for_a_change_list(engine, app, statements_of_change_list, register, allocate):
    if engine == "postgresql":
        return
    cars = [register(f"Car{number}") for number in range(3)]
    period = ("2099-03-01T10:00:00Z", "2099-03-01T12:00:00Z")
    executed = statements_of_change_list(*(allocate(car, *period).json for car in cars[:2]))
    assert len(executed) >= 5
    with app.app_context(), db.engine.connect() as connection:
        for statement, parameters in executed:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert "SCAN continuous" not in "\n".join(step[-1] for step in plan), statement
