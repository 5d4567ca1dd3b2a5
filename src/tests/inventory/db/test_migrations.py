"""Migrations: they lose no data, run only once, and create the tables of the models."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from invsys.inventory.application import build_app
from invsys.inventory.db import revisions, schema_check
from invsys.inventory.db.models import ContinuousResourceAllocation, Event, db
from invsys.inventory.errors import UnusableDatabase
from invsys.inventory.maintenance import integrity_check
from tests.conftest import disconnect, load_settings
from tests.support.client_identity import client_as, restricted_client
from tests.support.paths import PROJECT
from tests.support.waiting import LONG_TIMEOUTS

ALL = "/api/cars/all/allocations"

CHANGE = '''"""A change."""
import sqlalchemy as sa
from alembic import op
revision = "next"
down_revision = "{newest}"
def upgrade():
    {statement}
'''
# Migrations that a later version might contain; on SQLite, Alembic copies the whole table for them.
WIDEN_NAME = 'with op.batch_alter_table("continuous_resources") as t: t.alter_column("name", type_=sa.String(40))'
WIDEN_TYPE = (
    'with op.batch_alter_table("continuous_resource_allocations") as t:'
    ' t.alter_column("allocation_type", type_=sa.String(40))'
)
BREAK_FOREIGN_KEY = 'op.execute("UPDATE continuous_resource_allocations SET resource_key = resource_key + 999")'


@pytest.fixture
def filled(fresh_app):
    """A test client of an application whose database is migrated and has vehicles and allocations."""
    upgrade()
    client = fresh_app.test_client()
    for name in ("Car1", "Car2"):
        path = client.post("/api/cars", json={"name": name}).headers["Location"] + "/allocations"
        past = {"from_infinity": True, "to_datetime": "2026-01-01T00:00Z"}
        future = {"from_datetime": "2026-01-02T00:00Z", "to_infinity": True, "dump": {"order": 1}}
        for period in (past, future):
            assert client.post(path, json=period).status_code == 201
    return client


@pytest.fixture
def later(tmp_path):
    """Return a function that creates a folder with the package's migrations and one more, and returns its path."""

    def make(statement):
        folder = tmp_path / "migrations"
        shutil.copytree(revisions.MIGRATIONS, folder)
        change = CHANGE.format(newest=revisions.newest(), statement=statement)
        (folder / "versions" / "next_a_change.py").write_text(change)
        return str(folder)

    return make


def all_rows(client):
    return client.get("/api/cars").json, client.get("/api/cars/all/allocations").json


def is_comparable(item, name, kind, reflected, other):
    is_partition = kind == "table" and name.startswith(("archived_allocations_", "events_"))
    return not (kind == "index" or is_partition) or not reflected or other is not None


def test_a_migrated_database_matches_the_models(fresh_app):
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_comparable})
        assert compare_metadata(context, db.metadata) == []


def test_the_migrations_can_be_reverted_and_repeated(fresh_app):
    upgrade()
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    upgrade()
    assert integrity_check.check().ok


def test_a_repeated_migration_restores_the_owners_from_the_feed(fresh_app, filled):
    car = filled.get("/api/cars?name=Car1").json[0]["id"]
    gap = {"from_datetime": "2026-01-01T00:00Z", "to_datetime": "2026-01-01T12:00Z"}
    one = restricted_client(fresh_app, "one")
    response = one.post(f"/api/cars/{car}/allocations", json=gap)
    assert client_as(fresh_app, "two").patch(response.headers["Location"], json={"description": "x"}).status_code == 200
    before = all_rows(filled)
    downgrade(revision="0002")
    with db.engine.connect() as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("continuous_resource_allocations")}
        assert "client_id" not in columns
        assert connection.scalar(text("SELECT count(*) FROM continuous_resource_allocations")) == 5
    upgrade()
    assert all_rows(filled) == before
    assert [len(restricted_client(fresh_app, name).get(ALL).json) for name in ("one", "two")] == [1, 0]
    assert integrity_check.check().ok


def test_a_repeated_migration_restores_the_times_of_changes_from_the_feed(filled):
    first, *others = (allocation["id"] for allocation in filled.get(ALL).json)
    for description in ("a", "b"):
        assert filled.patch(f"{ALL}/{first}", json={"description": description}).status_code == 200
    changes = select(Event.key).where(Event.kind == "allocation_changed").order_by(Event.key)
    instants = [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 3)]
    with db.engine.begin() as connection:
        for key, at in zip(connection.scalars(changes).all(), instants, strict=True):
            connection.execute(update(Event).where(Event.key == key).values(at=at))
    downgrade(revision="0004")
    upgrade()
    row = ContinuousResourceAllocation
    with db.engine.connect() as connection:
        changed = {str(key): at for key, at in connection.execute(select(row.id, row.changed))}
    assert changed == {first: instants[-1], **dict.fromkeys(others)}
    assert integrity_check.check().ok


def test_references_are_added_and_removed_without_other_losses(engine, filled):
    vehicles, allocations = all_rows(filled)
    first = allocations[0]["id"]
    assert filled.patch(f"{ALL}/{first}", json={"reference": "PO 4711"}).status_code == 200
    downgrade(revision="0005")
    files = table_files(engine)
    upgrade()
    assert table_files(engine) == files
    assert integrity_check.check().ok
    assert all_rows(filled) == (vehicles, [row | {"version": 1 + (row["id"] == first)} for row in allocations])
    *_, last = filled.get("/api/events").json["events"]
    assert (last["kind"], last["request_id"], last["data"]["reference"]) == ("allocation_changed", None, None)


def test_the_owner_of_an_event_from_before_the_migration_is_unknown(fresh_app, filled):
    car = filled.get("/api/cars?name=Car1").json[0]["id"]
    gap = {"from_datetime": "2026-01-01T00:00Z", "to_datetime": "2026-01-01T12:00Z"}
    one = restricted_client(fresh_app, "one")
    url = one.post(f"/api/cars/{car}/allocations", json=gap).headers["Location"]
    assert [event["kind"] for event in one.get("/api/events").json["events"]] == ["allocated"]
    downgrade(revision="0005")
    upgrade()
    assert one.get("/api/events").json["events"] == []
    assert filled.patch(url, json={"description": "x"}).status_code == 200
    assert [event["kind"] for event in one.get("/api/events").json["events"]] == ["allocation_changed"]


def table_files(engine):
    """Return the file numbers of the tables of vehicles, allocations and events; None on SQLite.

    PostgreSQL gives a table a new number when it rewrites it.
    """
    if engine == "sqlite":
        return None
    # The table of the events becomes a partition.
    statement = (
        "SELECT CASE WHEN relname ~ '^events' THEN 'events' ELSE relname END, relfilenode FROM pg_class"
        " WHERE relkind = 'r' AND relname ~ '^(continuous_|events)' AND pg_relation_size(oid) > 0"
    )
    with db.engine.connect() as connection:
        return dict(connection.execute(text(statement)).all())


def test_a_later_migration_of_the_vehicles_table_loses_nothing(filled, later):
    before = all_rows(filled)
    upgrade(directory=later(WIDEN_NAME))
    assert all_rows(filled) == before
    assert integrity_check.check().ok


def test_a_later_migration_that_would_drop_the_triggers_is_rolled_back(engine, filled, later, caplog):
    before = all_rows(filled)
    if engine == "sqlite":
        with pytest.raises(SystemExit):
            upgrade(directory=later(WIDEN_TYPE))
        for name in ("after_archived_insert", "no_overlap_insert", "no_overlap_update"):
            assert f"tr_continuous_resource_allocations_{name}" in caplog.text
    else:
        upgrade(directory=later(WIDEN_TYPE))
    assert all_rows(filled) == before
    assert integrity_check.check().ok


def test_a_migration_that_breaks_a_foreign_key_is_rolled_back(filled, later):
    before = all_rows(filled)
    # For a RuntimeError, Flask-Migrate prints the message and exits.
    with pytest.raises((SystemExit, IntegrityError)):
        upgrade(directory=later(BREAK_FOREIGN_KEY))
    assert all_rows(filled) == before


def test_a_database_without_tables_is_refused_with_the_command_to_run(fresh_app, engine):
    if engine == "sqlite":
        Path(db.engine.url.database).touch()
    with pytest.raises(UnusableDatabase, match="has no tables yet: run 'invsys-manage migrate'"):
        schema_check.require_usable_at_start()


def test_a_service_starts_on_the_schema_of_a_newer_version_that_only_added(filled, later, caplog):
    upgrade(directory=later('op.add_column("continuous_resources", sa.Column("colour", sa.String(40)))'))
    schema_check.require_usable_at_start()
    assert "at migration next of a newer version of the service, which this version can use" in caplog.text
    with pytest.raises(UnusableDatabase, match="is at migration next, which comes from a newer version"):
        schema_check.require_current_schema()


def test_a_service_refuses_the_schema_of_a_newer_version_that_says_so(filled, later):
    upgrade(directory=later("""op.execute("UPDATE alembic_version SET compatible_revision = 'next'")"""))
    for check in (schema_check.require_usable_at_start, schema_check.require_current_schema):
        with pytest.raises(UnusableDatabase, match="is at migration next, which comes from a newer version"):
            check()


def test_the_schema_of_a_newer_version_that_declares_nothing_is_refused(fresh_app):
    upgrade(revision="0007")
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnusableDatabase, match="is at migration 9999"):
        schema_check.require_usable_at_start()


def db_upgrade(url, **more):
    # The environment is minimal, so that settings of this machine have no effect.
    environ = {"INVSYS_DATABASE_URL": url, "PATH": "/usr/bin:/bin", **LONG_TIMEOUTS, **more}
    return {"args": [sys.executable, "-m", "invsys.inventory.manage", "db", "upgrade"], "env": environ, "text": True}


@pytest.mark.only_thorough
def test_two_concurrent_upgrades_both_succeed(fresh_url):
    processes = [
        subprocess.Popen(**db_upgrade(fresh_url, PYTHONPATH=PROJECT / "src"), stderr=subprocess.PIPE) for _ in range(2)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert sum("Running upgrade" in text for text in errors) == 1


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A folder in which the package is installed from its wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "tests")
    shutil.copytree(PROJECT, folder / "source", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", folder / "site", folder / "source"], check=True)
    return folder / "site"


@pytest.mark.only_thorough
@pytest.mark.one_engine
def test_an_installed_wheel_migrates_from_any_directory(fresh_url, tmp_path, wheel):
    where = [sys.executable, "-c", "import invsys.inventory; print(invsys.inventory.__file__)"]
    environ = {"PYTHONPATH": str(wheel)}
    imported = subprocess.run(where, cwd=tmp_path, env=environ, check=True, capture_output=True, text=True)
    assert imported.stdout.startswith(str(wheel))
    upgraded = subprocess.run(**db_upgrade(fresh_url, **environ), cwd=tmp_path, check=False, capture_output=True)
    assert upgraded.returncode == 0, upgraded.stderr
    app = build_app(load_settings(fresh_url))
    with app.app_context():
        assert integrity_check.check().ok
        disconnect()
