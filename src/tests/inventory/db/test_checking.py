"""The integrity check, which finds overlapping rows, missing constraints, and constraints without effect."""

import pytest
from flask_migrate import upgrade

from invsys.inventory.db.models import db
from invsys.inventory.maintenance import integrity_check
from tests.support import overlap_constraint

HOLLOW = {
    "sqlite": "CREATE TRIGGER tr_continuous_resource_allocations_no_overlap_{event} BEFORE {event}"
    " ON continuous_resource_allocations WHEN FALSE BEGIN SELECT 1; END",
    "postgresql": "ALTER TABLE continuous_resource_allocations"
    " ADD CONSTRAINT ex_continuous_resource_allocations_no_overlap"
    " EXCLUDE USING gist (resource_key WITH =, tstzrange(starts, ends) WITH &&) WHERE (starts > '2999-01-01')",
}
OVERLAP = "UPDATE continuous_resource_allocations SET starts = '2026-01-01 10:00:00.000000' WHERE ends IS NULL"


EVENTS = {"sqlite": ["insert", "update"], "postgresql": [""]}


@pytest.fixture
def path(fresh_app):
    """The URL of the list of a vehicle's two allocations, in a database that only this test uses."""
    upgrade()
    client = fresh_app.test_client()
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    first = {"from_datetime": "2026-01-01T10:00Z", "to_datetime": "2026-01-01T11:00Z"}
    for period in (first, {"from_datetime": "2026-01-01T11:00Z", "to_infinity": True}):
        assert client.post(path, json=period).status_code == 201
    return path


def execute(*statements):
    with db.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_an_intact_database_is_reported_as_ok(path):
    report = integrity_check.check()
    assert report.ok
    assert (report.vehicles, report.allocations, report.overlaps) == (1, 2, 0)
    assert str(report).endswith("\nok")


def test_the_check_changes_nothing(fresh_app, path):
    client = fresh_app.test_client()
    before = client.get("/api/cars").json, client.get(path).json
    integrity_check.check()
    assert (client.get("/api/cars").json, client.get(path).json) == before


def test_a_missing_guard_is_reported_by_name_and_effect(engine, path):
    overlap_constraint.drop()
    report = integrity_check.check()
    assert report.missing == integrity_check.GUARDS[engine][: len(EVENTS[engine])]
    assert report.bypassed_constraints == ("INSERT", "UPDATE")
    assert not report.ok
    assert str(report).endswith("NOT OK")


def test_a_guard_without_effect_is_reported(engine, path):
    overlap_constraint.drop()
    execute(*(HOLLOW[engine].format(event=event) for event in EVENTS[engine]))
    report = integrity_check.check()
    assert report.missing == ()
    assert report.bypassed_constraints == ("INSERT", "UPDATE")
    assert not report.ok


def test_an_overlap_is_counted(engine, path):
    overlap_constraint.drop()
    execute(OVERLAP)
    assert integrity_check.check().overlaps == 1
