"""The constraint (SQLite: triggers) against overlapping allocations, tested with plain SQL, without the service."""

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.support.period_cases import CASES
from tests.support.tables import table_driven

TABLE = "continuous_resource_allocations"
COLUMNS = f"INSERT INTO {TABLE} (id, resource_key, starts, ends) VALUES "
INSERT = COLUMNS + "(:id, :resource_key, :starts, :ends)"


@pytest.fixture
def vehicle(sql):
    statement = "INSERT INTO continuous_resources (id, resource_type, name) VALUES (:id, 'Car', 'C') RETURNING key"
    return sql.scalar(text(statement), {"id": uuid.uuid4().hex})


def instant(hour):
    return None if hour is None else f"2026-01-01 {hour:02}:00:00.000000"


def row(vehicle, hours):
    return {"id": uuid.uuid4().hex, "resource_key": vehicle, "starts": instant(hours[0]), "ends": instant(hours[1])}


def count(sql):
    return sql.scalar(text(f"SELECT count(*) FROM {TABLE}"))


def refuses(sql, statement, values):
    try:
        with sql.begin_nested():
            sql.execute(text(statement), values)
    except IntegrityError:
        return True
    return False


@table_driven(("name", "one", "other", "overlap"), CASES)
@table_driven("is_reversed", [False, True], ids=["in order", "reversed"])
def test_an_insert_is_refused_exactly_if_it_overlaps(sql, vehicle, name, one, other, overlap, is_reversed):
    sql.execute(text(f"DELETE FROM {TABLE}"))
    first, second = (other, one) if is_reversed else (one, other)
    assert not refuses(sql, INSERT, row(vehicle, first))
    assert refuses(sql, INSERT, row(vehicle, second)) is overlap
    assert count(sql) == (1 if overlap else 2)


@table_driven(("name", "one", "other", "overlap"), CASES)
def test_an_update_is_refused_exactly_if_it_overlaps(sql, vehicle, name, one, other, overlap):
    sql.execute(text(f"DELETE FROM {TABLE}"))
    sql.execute(text(INSERT), row(vehicle, one))
    free = {**row(vehicle, (0, 0)), "starts": "1999-01-01 00:00:00.000000", "ends": "1999-01-02 00:00:00.000000"}
    if one[0] is None:
        free |= {"starts": "2999-01-01 00:00:00.000000", "ends": "2999-01-02 00:00:00.000000"}
    if one == (None, None):
        return
    sql.execute(text(INSERT), free)
    update = f"UPDATE {TABLE} SET starts = :starts, ends = :ends WHERE id = :id"
    assert refuses(sql, update, {**row(vehicle, other), "id": free["id"]}) is overlap


def test_an_update_may_overlap_its_own_row(sql, vehicle):
    allocation = row(vehicle, (10, 14))
    sql.execute(text(INSERT), allocation)
    update = f"UPDATE {TABLE} SET starts = :starts, ends = :ends WHERE id = :id"
    assert not refuses(sql, update, {**row(vehicle, (9, 15)), "id": allocation["id"]})


def test_moving_to_an_allocated_vehicle_is_refused(sql, vehicle):
    other = "INSERT INTO continuous_resources (id, resource_type, name) VALUES (:id, 'Car', 'D') RETURNING key"
    other_vehicle = sql.scalar(text(other), {"id": uuid.uuid4().hex})
    moving = row(other_vehicle, (12, 16))
    sql.execute(text(INSERT), row(vehicle, (10, 14)))
    sql.execute(text(INSERT), moving)
    assert refuses(sql, f"UPDATE {TABLE} SET resource_key = {vehicle} WHERE id = :id", {"id": moving["id"]})


def test_two_overlapping_rows_of_one_insert_are_refused_together(sql, vehicle):
    one, other = row(vehicle, (10, 14)), row(vehicle, (13, 15))
    values = {f"{name}{i}": value for i, params in enumerate((one, other)) for name, value in params.items()}
    both = COLUMNS + ", ".join(f"(:id{i}, :resource_key{i}, :starts{i}, :ends{i})" for i in (0, 1))
    assert refuses(sql, both, values)
    assert count(sql) == 0


@pytest.mark.parametrize("verb", ["INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE", "INSERT OR FAIL"])
def test_no_sqlite_verb_bypasses_the_trigger(sql, vehicle, verb):
    if sql.dialect.name != "sqlite":
        verb = "INSERT"
    sql.execute(text(INSERT), row(vehicle, (10, 14)))
    assert refuses(sql, INSERT.replace("INSERT", verb, 1), row(vehicle, (11, 12)))
    assert count(sql) == 1


def test_an_empty_period_is_refused(sql, vehicle):
    assert refuses(sql, INSERT, row(vehicle, (10, 10)))
    assert refuses(sql, INSERT, row(vehicle, (11, 10)))


@table_driven(
    "bound",
    ["infinity", "-infinity", "2026-02-30 00:00:00.000000", "2026-01-01T10:00:00.000000+14:00:99", "~", ""],
)
def test_a_bound_that_does_not_compare_as_an_instant_is_refused(sql, vehicle, bound):
    with pytest.raises(DBAPIError), sql.begin_nested():
        sql.execute(text(INSERT), {**row(vehicle, (10, 14)), "starts": bound, "ends": None})


@pytest.mark.parametrize("bound", ["tomorrow", "2026-01-01", "2026-01-01 10:00", "2026-01-01T10:00:00Z", "1767261600"])
def test_sqlite_accepts_only_one_format_of_an_instant(sql, vehicle, bound):
    if sql.dialect.name == "sqlite":
        assert refuses(sql, INSERT, {**row(vehicle, (10, 14)), "starts": bound, "ends": None})


def test_an_allocation_needs_an_existing_vehicle(sql, vehicle):
    if sql.dialect.name == "sqlite":
        sql.rollback()
        sql.exec_driver_sql("PRAGMA foreign_keys=ON")
    assert refuses(sql, INSERT, row(vehicle + 1, (10, 14)))
