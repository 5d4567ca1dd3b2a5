"""The ``migrate`` command: it first copies a SQLite database, and explains how to proceed after a failure."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from flask_migrate import upgrade
from sqlalchemy import text

from invsys.inventory.application import build_app
from invsys.inventory.db import revisions, schema_check, session
from invsys.inventory.db.models import db
from invsys.inventory.maintenance import integrity_check, migrate
from tests.conftest import disconnect, load_settings

OLD = "0002"
BROKEN = '''"""A change that fails half way."""
from alembic import op
revision = "next"
down_revision = "{newest}"
def upgrade():
    op.execute("DELETE FROM continuous_resources")
    op.execute("SELECT missing FROM nowhere")
'''


@pytest.fixture
def old(fresh_app):
    """Migrate the database to an older revision, and insert a vehicle."""
    upgrade(revision=OLD)
    with db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO continuous_resources (id, name, resource_type, attributes, created)"
                " VALUES ('00000000-0000-4000-8000-000000000001', 'Car1', 'Car', '{}', :now)"
            ),
            {"now": "2026-01-01 00:00:00"},
        )


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Simulate a newer version of the package whose migration fails."""
    folder = tmp_path / "migrations"
    shutil.copytree(revisions.MIGRATIONS, folder)
    (folder / "versions" / "next_broken.py").write_text(BROKEN.format(newest=revisions.newest()))
    monkeypatch.setattr(revisions, "MIGRATIONS", folder)
    revisions.known.cache_clear()
    yield
    revisions.known.cache_clear()


def names(file):
    with closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM continuous_resources")]


def copies(folder):
    return sorted(file.name for file in folder.iterdir() if ".before-" in file.name)


def test_an_empty_database_is_migrated_without_a_copy(fresh_app, tmp_path):
    migrate.migrate()
    assert schema_check.revision() == revisions.newest()
    assert integrity_check.check().ok
    assert copies(tmp_path) == []


def test_an_old_sqlite_database_is_copied_before_the_migration(old, engine, tmp_path):
    migrate.migrate()
    assert schema_check.revision() == revisions.newest()
    if engine == "sqlite":
        assert copies(tmp_path) == [f"fresh.sqlite3.before-{OLD}"]
        assert names(tmp_path / copies(tmp_path)[0]) == ["Car1"]
    else:
        assert copies(tmp_path) == []


def test_a_database_at_the_newest_revision_is_not_changed(old, tmp_path):
    migrate.migrate()
    for copy in copies(tmp_path):
        (tmp_path / copy).unlink()
    migrate.migrate()
    assert copies(tmp_path) == []


def test_a_failed_migration_leaves_the_data_and_says_what_to_do(fresh_app, old, broken, engine, tmp_path):
    for _ in range(2):
        with pytest.raises(migrate.MigrationError) as exc_info:
            migrate.migrate()
        assert "nowhere" in str(exc_info.value)
        assert f"The database is unchanged, at migration {OLD}" in str(exc_info.value)
        assert "run 'invsys-manage migrate' again" in str(exc_info.value)
        assert schema_check.revision() == OLD
        with session.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM continuous_resources")) == 1
        if engine == "sqlite":
            assert f"{tmp_path}/fresh.sqlite3.before-{OLD}" in str(exc_info.value)
            assert names(tmp_path / f"fresh.sqlite3.before-{OLD}") == ["Car1"]


def test_nothing_is_migrated_if_the_copy_fails(old, engine, tmp_path):
    obstacle = tmp_path / f"fresh.sqlite3.before-{OLD}"
    obstacle.mkdir()
    if engine == "sqlite":
        with pytest.raises(migrate.MigrationError, match="cannot copy the database"):
            migrate.migrate()
        assert schema_check.revision() == OLD
        obstacle.rmdir()
    migrate.migrate()
    assert schema_check.revision() == revisions.newest()


def test_a_database_of_a_newer_version_is_not_touched(fresh_app, tmp_path):
    upgrade()
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrate.MigrationError, match="migration 9999, which a newer version created"):
        migrate.migrate()
    assert copies(tmp_path) == []


def test_a_running_service_continues_while_a_newer_version_migrates(fresh_app, fresh_url):
    upgrade()
    running_client = fresh_app.test_client()
    assert [running_client.get(path).status_code for path in ("/readyz", "/api/cars")] == [200, 200]
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert [running_client.get(path).status_code for path in ("/readyz", "/api/cars")] == [200, 200]
    assert statuses_after_start(fresh_url) == [200, 200]
    # The newer version no longer has what this version needs.
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET compatible_revision = '9999'"))
    assert [running_client.get(path).status_code for path in ("/readyz", "/api/cars")] == [200, 200]
    assert statuses_after_start(fresh_url) == [503, 503]


def statuses_after_start(url):
    """Return the statuses of /readyz and of a list from a service that is started now."""
    app = build_app(load_settings(url))
    with app.app_context():
        client = app.test_client()
        statuses = [client.get(path).status_code for path in ("/readyz", "/api/cars")]
        disconnect()
    return statuses


def test_a_service_started_before_the_migration_serves_after_it(fresh_app):
    running_client = fresh_app.test_client()
    assert [running_client.get(path).status_code for path in ("/healthz", "/readyz", "/api/cars")] == [200, 503, 503]
    upgrade()
    assert [running_client.get(path).status_code for path in ("/readyz", "/api/cars")] == [200, 200]


def test_the_migrate_command_migrates(run_fresh):
    assert run_fresh("migrate")[0] == 0
    assert run_fresh("check")[0] == 0


def test_an_installation_does_not_migrate_if_the_settings_forbid_it(run_fresh, monkeypatch):
    monkeypatch.setenv("INVSYS_DATABASE_MIGRATE_ON_INSTALL", "no")
    status, printed, _ = run_fresh("migrate", "--on-install")
    assert (status, printed) == (0, "The database was not migrated, because [database] migrate_on_install = no.\n")
    assert run_fresh("check")[0] == 2
    assert run_fresh("migrate")[0] == 0
    assert run_fresh("check")[0] == 0


def test_an_installation_migrates_by_default(run_fresh):
    assert run_fresh("migrate", "--on-install")[0] == 0
    assert run_fresh("check")[0] == 0


def test_serve_check_reports_what_prevents_serving(run_fresh, monkeypatch, tmp_path):
    status, _, complaints = run_fresh("serve", "--check")
    assert (status, "run 'invsys-manage migrate'" in complaints) == (2, True)
    assert run_fresh("migrate")[0] == 0
    assert run_fresh("serve", "--check") == (0, "", "")
    monkeypatch.setenv("INVSYS_LOG_FILE", str(tmp_path / "nowhere" / "log"))
    status, _, complaints = run_fresh("serve", "--check")
    assert (status, "[log] file: cannot be written" in complaints) == (2, True)


@pytest.mark.usefixtures("old", "broken")
def test_the_migrate_command_reports_the_failure(run_fresh):
    status, _, complaints = run_fresh("migrate")
    assert status == 2
    assert "invsys-manage: The migration failed: " in complaints


@pytest.fixture
def run_fresh(run, fresh_url, monkeypatch):
    """Return a function that runs a command with a database that was never migrated."""
    monkeypatch.setenv("INVSYS_DATABASE_URL", fresh_url)
    return run
