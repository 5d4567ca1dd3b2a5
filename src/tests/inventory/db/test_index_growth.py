"""The first split of the index's root, while a scan of dead entries is repeated: PostgreSQL then loses entries."""

import threading
from contextlib import contextmanager

import psycopg
import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from invsys.inventory import manage
from invsys.inventory.application import build_app
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import index_growth
from invsys.inventory.errors import UnusableDatabase
from invsys.inventory.maintenance import integrity_check
from invsys.inventory.maintenance import migrate as migrate_command
from tests.conftest import load_settings, migrate
from tests.support.applications import close
from tests.support.databases import new_database
from tests.support.waiting import until

INDEX = "ex_continuous_resource_allocations_no_overlap"
_INSERT = (
    "INSERT INTO continuous_resource_allocations (key, id, resource_key, starts, ends, allocation_type, dump)"
    " SELECT {key}, gen_random_uuid(), 1 + number % 5,"
    " timestamptz '2020-01-01 00:00:00+00' + number * interval '1 hour',"
    " timestamptz '2020-01-01 01:00:00+00' + number * interval '1 hour', 'booking', '{{}}'"
    " FROM generate_series({first}, {last}) number ON CONFLICT DO NOTHING"
)
# A nested loop that repeats an index scan, and waits for an advisory lock in its middle.
_SCANS = (
    "SELECT number, CASE WHEN number = 30 THEN pg_advisory_lock_shared(1) END,"
    " (SELECT count(*) FROM continuous_resource_allocations WHERE resource_key = 1 + number % 5"
    " AND tstzrange(starts, ends) && tstzrange('2019-01-01', '2030-01-01')) FROM generate_series(1, 60) number"
)


@pytest.fixture
def database(request):
    """The URL of a migrated database; None with --sqlite-only."""
    if request.config.getoption("--sqlite-only"):
        yield None
        return
    server = request.getfixturevalue("postgresql")
    with new_database(server) as name:
        migrate(server.url(name))
        yield server.url(name)


def lose_entries(url):
    """Split the root while a scan is repeated; return how many overlapping allocations are accepted afterwards."""
    with psycopg.connect(url, autocommit=True) as writer, psycopg.connect(url, autocommit=True) as reader:
        writer.execute(
            "INSERT INTO continuous_resources (key, id, resource_type, name, attributes)"
            " SELECT number, gen_random_uuid(), 'Car', number::text, '{}' FROM generate_series(1, 5) number"
        )
        writer.execute(_INSERT.format(key="number + 1", first=0, last=99))
        writer.execute("DELETE FROM continuous_resource_allocations WHERE key <= 60")
        for path in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "material", "memoize"):
            reader.execute(f"SET enable_{path} = off")
        writer.execute("SELECT pg_advisory_lock(1)")
        thread = threading.Thread(target=reader.execute, args=(_SCANS,))
        thread.start()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: writer.execute(waits).fetchone())
        for hour in range(100, 260):
            writer.execute(_INSERT.format(key="number + 1", first=hour, last=hour))
        writer.execute("SELECT pg_advisory_unlock(1)")
        thread.join()
        return writer.execute(_INSERT.format(key="number + 1000", first=60, last=259)).rowcount


@contextmanager
def application(url):
    app = build_app(load_settings(url))
    with app.app_context():
        yield
    close(app)


def count_rows():
    with db.engine.connect() as connection:
        return [connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in db.metadata.tables]


def test_a_migrated_database_loses_no_entries(database):
    if database is not None:
        assert lose_entries(database) == 0


def test_migrate_grows_an_index_that_was_built_again(database):
    if database is None:
        return
    with application(database):
        before = count_rows()
        with db.engine.begin() as connection:
            assert not index_growth.is_due(connection)
            connection.execute(text(f"REINDEX INDEX {INDEX}"))
            assert index_growth.is_due(connection)
        report = integrity_check.check()
        assert not report.ok
        assert "has one page: run 'invsys-manage migrate'" in str(report)
        migrate_command.migrate()
        assert integrity_check.check().ok
        assert count_rows() == before


def test_the_service_refuses_an_index_that_can_lose_entries(database):
    """It says what to do, and needs no restart after that."""
    if database is None:
        return
    app = build_app(load_settings(database))
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"REINDEX INDEX {INDEX}"))
        is_affected = int(connection.scalar(text("SHOW server_version_num"))) < 170000
    first = app.test_client().get("/api/cars")
    with app.app_context():
        if is_affected:
            with pytest.raises(UnusableDatabase, match="run 'invsys-manage migrate'"):
                manage._require_usable_database()
        else:
            manage._require_usable_database()
        migrate_command.migrate()
        manage._require_usable_database()
    assert first.status_code == (503 if is_affected else 200)
    assert app.test_client().get("/api/cars").status_code == 200
    close(app)


def test_a_downgrade_to_no_tables_does_not_look_for_the_index(database):
    if database is not None:
        with application(database):
            downgrade(revision="base")
            upgrade()
            assert integrity_check.check().ok
