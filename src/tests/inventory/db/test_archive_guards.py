"""The triggers that protect archived time, tested with plain SQL; the way back; the partitions of the archive."""

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from invsys.inventory.db import session
from invsys.inventory.db.models import ARCHIVED_ALLOCATIONS, ContinuousResource, db
from invsys.inventory.maintenance import archive as archive_command
from invsys.inventory.maintenance import integrity_check
from tests.support.blocking import locked, until_waiting
from tests.support.tables import table_driven

ALL = "/api/cars/all/allocations"
TABLE = "continuous_resource_allocations"
INSERT = f"INSERT INTO {TABLE} (id, resource_key, starts, ends) VALUES (:id, :vehicle, :starts, :ends)"
UPDATE = f"UPDATE {TABLE} SET starts = :starts, ends = :ends, resource_key = :vehicle WHERE id = :id"


def at(hour):
    return None if hour is None else f"2021-03-01 {hour:02}:00:00.000000"


def archive(days=100):
    progress = archive_command.Archived()
    archive_command.archive(days, progress)
    return progress.allocations


@pytest.fixture
def vehicle(sql):
    """The key of a vehicle whose allocations are archived until 12:00."""
    statement = (
        "INSERT INTO continuous_resources (id, resource_type, name, archived_until)"
        f" VALUES (:id, 'Car', 'C', '{at(12)}') RETURNING key"
    )
    return sql.scalar(text(statement), {"id": uuid.uuid4().hex})


def refuses(sql, statement, **values):
    try:
        with sql.begin_nested():
            sql.execute(text(statement), values)
    except IntegrityError:
        return True
    return False


PERIODS = [
    (at(11), at(12), True),
    (at(11), at(13), True),
    (at(11), None, True),
    (None, at(11), True),
    (None, at(13), True),
    (None, None, True),
    (at(12), at(13), False),
    ("2099-03-01 11:00:00.000000", None, False),
]


@table_driven(("start", "end", "is_refused"), PERIODS)
def test_the_database_refuses_what_begins_before_archived_until(sql, vehicle, start, end, is_refused):
    sql.execute(text(f"DELETE FROM {TABLE}"))
    assert refuses(sql, INSERT, id=uuid.uuid4().hex, vehicle=vehicle, starts=start, ends=end) is is_refused
    other = uuid.uuid4().hex
    sql.execute(text(f"DELETE FROM {TABLE}"))
    assert not refuses(sql, INSERT, id=other, vehicle=vehicle, starts=at(14), ends=at(15))
    assert refuses(sql, UPDATE, id=other, vehicle=vehicle, starts=start, ends=end) is is_refused


def test_a_move_to_the_vehicle_is_refused_and_other_changes_are_not(sql, vehicle):
    statement = "INSERT INTO continuous_resources (id, resource_type, name) VALUES (:id, 'Car', 'D') RETURNING key"
    other, allocation = sql.scalar(text(statement), {"id": uuid.uuid4().hex}), uuid.uuid4().hex
    assert not refuses(sql, INSERT, id=allocation, vehicle=other, starts=at(8), ends=at(9))
    assert refuses(sql, UPDATE, id=allocation, vehicle=vehicle, starts=at(8), ends=at(9))
    assert not refuses(sql, UPDATE, id=allocation, vehicle=other, starts=at(7), ends=at(9))
    # For example of a row from a time when its vehicle was archived without this trigger.
    sql.execute(text("UPDATE continuous_resources SET archived_until = :until"), {"until": at(12)})
    assert not refuses(sql, f"UPDATE {TABLE} SET description = 'x', starts = starts WHERE id = :id", id=allocation)


def test_another_program_waits_for_the_archive_and_is_refused(engine, app, database_url, car, allocate):
    if engine == "sqlite":
        return
    allocate(car, "2021-03-01T10:00:00Z", "2021-03-01T12:00:00Z")
    insert = (
        f"INSERT INTO {TABLE} (id, resource_key, starts, ends) SELECT gen_random_uuid(), key, '{at(10)}', '{at(11)}'"
    )
    with psycopg.connect(database_url) as other, app.app_context():
        with locked(database_url, "SELECT") as running:
            running.execute("SELECT FROM continuous_resources FOR UPDATE")
            running.execute(f"UPDATE continuous_resources SET archived_until = '{at(12)}'")
            running.execute(f"DELETE FROM {TABLE}")
            other.execute("SET LOCAL statement_timeout = 100")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute(f"{insert} FROM continuous_resources")
        other.rollback()
        with pytest.raises(psycopg.errors.ExclusionViolation, match="archived until"):
            other.execute(f"{insert} FROM continuous_resources")


@pytest.fixture
def archived(fresh_app):
    """A client of a database of this test, with archived allocations of several years and one that is not archived."""
    upgrade()
    client = fresh_app.test_client()
    car = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    for year, month in ((1990, 5), (2019, 12), (2020, 1), (2021, 3), (2021, 4)):
        period = {"from_datetime": f"{year}-{month:02}-01T00:00Z", "to_datetime": f"{year}-{month:02}-02T00:00Z"}
        assert client.post(f"{car}/allocations", json={**period, "reference": str(year)}).status_code == 201
    assert client.post(f"{car}/allocations", json={"from_datetime": "2099-01-01T00:00Z", "to_infinity": True})
    assert archive() == 5
    return client


def test_a_downgrade_moves_the_archived_rows_back(archived):
    rows = f"SELECT key, id FROM {TABLE}"
    before = archived.get(f"{ALL}?from=1900-01-01T00:00Z").json
    with db.engine.connect() as connection:
        stored = connection.execute(text(f"{rows} UNION ALL SELECT key, id FROM archived_allocations")).all()
    downgrade(revision="0008")
    with db.engine.connect() as connection:
        assert sorted(connection.execute(text(rows)).all()) == sorted(stored)
        assert connection.scalar(text("SELECT compatible_revision FROM alembic_version")) == "0008"
    upgrade()
    assert archived.get(ALL).json == before
    assert len(before) == 6
    assert integrity_check.check().ok
    assert archive() == 5


def test_a_downgrade_that_cannot_move_the_rows_back_changes_nothing(archived, fresh_app):
    with db.engine.begin() as connection:
        # Another program without the triggers.
        connection.execute(text("UPDATE continuous_resources SET archived_until = NULL"))
        row = connection.execute(select(ContinuousResource.id, ContinuousResource.key)).one()
    path = f"/api/cars/{row.id}/allocations"
    period = {"from_datetime": "2021-03-01T00:00Z", "to_datetime": "2021-03-01T12:00Z"}
    assert archived.post(path, json=period).status_code == 201
    report = integrity_check.check()
    assert (report.overlaps, report.unprotected, report.ok) == (1, 1, False)
    assert "2021-03-01T00:00:00Z to 2021-03-01T12:00:00Z" in str(report)
    with pytest.raises(IntegrityError):
        downgrade(revision="0008")
    assert integrity_check.check() == report


@table_driven(
    "statement",
    [
        "UPDATE continuous_resources SET archived_until = NULL",
        "UPDATE continuous_resources SET archived_until = '2021-03-01 00:00:00.000000'",
        "UPDATE continuous_resources SET archived_until = '2099-03-01 00:00:00.000000'",
        "UPDATE cursor_state SET archived_until = NULL",
        "UPDATE cursor_state SET archived_until = '2021-03-01 00:00:00.000000'",
    ],
)
def test_the_check_finds_a_wrong_archived_until(archived, statement):
    with db.engine.begin() as connection:
        connection.execute(text(statement))
    report = integrity_check.check()
    assert (report.unprotected, report.ok) == (1, False)
    assert "vehicles whose archived_until is too early: 1" in str(report) or "2099" in statement


def test_the_archive_is_partitioned_by_month(engine, archived):
    if engine == "sqlite":
        return
    with db.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT tableoid::regclass::text, count(*) FROM archived_allocations GROUP BY 1 ORDER BY 1")
        ).all()
        assert [tuple(row) for row in rows] == [
            ("archived_allocations_2020_01", 1),
            ("archived_allocations_2021_03", 1),
            ("archived_allocations_2021_04", 1),
            ("archived_allocations_before_2020", 2),
        ]
        plan = "\n".join(
            connection.scalars(text("EXPLAIN SELECT * FROM archived_allocations WHERE ends > '2021-04-01Z'"))
        )
        assert "2021_04" in plan
        assert "2021_03" not in plan
        # The partitions have the indexes of the table.
        indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = 'archived_allocations_2021_03'"
        assert connection.scalar(text(indexes)) == 5
        # A month that has not begun gets no partition.
        connection.execute(text("SELECT create_archive_partition(statement_timestamp() + interval '2 months')"))
        tables = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'archived_allocations'::regclass"
        assert connection.scalar(text(tables)) == 4


def test_a_detached_partition_is_one_line(engine, archived, fresh_url, run_on):
    if engine == "sqlite":
        return
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE archived_allocations DETACH PARTITION archived_allocations_2021_04"))
    car = archived.get("/api/cars").json[0]["id"]
    period = {"from_datetime": "2021-04-03T00:00Z", "to_datetime": "2021-04-04T00:00Z"}
    assert archived.post(f"/api/cars/{car}/allocations", json=period).status_code == 201
    status, printed, error = run_on(fresh_url)("archive", "--keep", "100")
    assert (status, printed, error.count("\n")) == (2, "", 1)
    assert 'no partition of relation "archived_allocations" found for row; archived allocations: 0' in error


def test_two_runs_can_create_one_partition(engine, app, database_url):
    if engine == "sqlite":
        return
    with app.app_context(), session.read() as connection:
        month = datetime.now(UTC) - timedelta(days=40)
        create = text("SELECT create_archive_partition(:month)")
        with locked(database_url, "LOCK TABLE archived_allocations IN SHARE UPDATE EXCLUSIVE MODE"):
            until_waiting(database_url, 0)
        for _ in range(2):
            connection.execute(create, {"month": month})
        assert connection.execute(select(ARCHIVED_ALLOCATIONS)).all() == []
