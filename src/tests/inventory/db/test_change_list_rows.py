"""A change list deletes all of its rows, then inserts them with all columns; both numbers of rows must be equal."""

import pytest
from sqlalchemy import event, text

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.change_lists import CHANGES, entry
from tests.support.hours_in_2099 import hour_start

TABLE = ContinuousResourceAllocation.__tablename__
FUNCTION = "WHEN (NEW.description = 'y') EXECUTE FUNCTION drop_row()"
# Triggers that silently drop a row, as a statement with ON CONFLICT DO NOTHING would.
DROPPING = {
    "postgresql": [
        "CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        f"CREATE TRIGGER drop_row BEFORE INSERT ON {TABLE} FOR EACH ROW {FUNCTION}",
    ],
    "sqlite": [
        f"CREATE TRIGGER drop_row BEFORE INSERT ON {TABLE} WHEN NEW.description = 'y' BEGIN SELECT RAISE(IGNORE); END"
    ],
}
RESTORING = {
    "postgresql": [f"DROP TRIGGER drop_row ON {TABLE}", "DROP FUNCTION drop_row"],
    "sqlite": ["DROP TRIGGER drop_row"],
}


@pytest.fixture
def cars(register):
    """The URLs of two cars."""
    return [register(f"Car{number}") for number in range(2)]


@pytest.fixture
def rows(cars, allocate):
    """An allocation of each car."""
    return [allocate(car, hour_start(10), hour_start(12)).json for car in cars]


@pytest.fixture
def statements(app):
    """The first three words of each executed DELETE, INSERT and UPDATE that uses the table of allocations."""
    executed = []

    def record(connection, cursor, statement, parameters, context, many):
        if TABLE in statement and statement.startswith(("DELETE", "INSERT", "UPDATE")):
            executed.append(" ".join(statement.split()[:3]))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", record)
    yield executed
    event.remove(engine, "before_cursor_execute", record)


def swap(rows, cars, **fields):
    return {"changes": [entry(rows[0], cars[1], **fields), entry(rows[1], cars[0], **fields)]}


def test_all_rows_are_deleted_before_all_are_inserted(client, cars, rows, statements):
    assert client.post(CHANGES, json=swap(rows, cars)).status_code == 200
    assert statements[:2] == [f"DELETE FROM {TABLE}", f"INSERT INTO {TABLE}"]
    # The events are read from the new rows.
    assert [statement.split()[2] for statement in statements[2:]] == ["events"]


def test_a_row_that_the_database_does_not_insert_is_an_error_and_not_a_loss(
    engine, app, client, cars, rows, refused, nothing_changes
):
    def execute(commands):
        with app.app_context(), db.engine.begin() as connection:
            for command in commands[engine]:
                connection.execute(text(command))

    execute(DROPPING)
    try:
        with nothing_changes():
            refused(client.post(CHANGES, json=swap(rows, cars, description="y")), 500, "internal_error")
    finally:
        execute(RESTORING)
    assert client.post(CHANGES, json=swap(rows, cars, description="y")).status_code == 200
