"""The migration of the events to partitions, on PostgreSQL: the service goes on, and it can be interrupted."""

import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask_migrate import downgrade, upgrade

from invsys.inventory.application import build_app
from invsys.inventory.db import revisions, schema_check
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import event_partitions
from invsys.inventory.maintenance import integrity_check, migrate
from tests.conftest import disconnect, load_settings
from tests.support.blocking import locked, until_waiting
from tests.support.change_feed import FeedReader
from tests.support.databases import new_database
from tests.support.event_partitions import FIRST_END, continue_at, execute, filled_partitions, keys, partitions
from tests.support.paths import PROJECT
from tests.support.waiting import LONG_TIMEOUTS, until

# The migration before 0010.
BEFORE = revisions.known()[revisions.known().index("0010") + 1]
LATER = '"""A later migration."""\nrevision = "later"\ndown_revision = "{newest}"\ndef upgrade():\n    pass\n'
PLAIN = ["ix_events_allocation_id_of_expired", "ix_events_allocation_id_of_owned_hold", "pk_events"]
MANY = 20_000


@pytest.fixture
def url(pg_server):
    """The URL of a database, which only this test uses."""
    with new_database(pg_server) as name:
        yield pg_server.url(name)


@pytest.fixture
def app(url):
    """An application whose database is at the migration before, and has events."""
    app = build_app(load_settings(url))
    with app.app_context():
        upgrade()
        # The service checks the migration when it starts.
        assert app.test_client().get("/readyz").status_code == 200
        downgrade(revision=BEFORE)
        execute(
            url,
            "INSERT INTO events (id, kind, resource_type, resource_id, created, version, name, attributes)"
            " SELECT gen_random_uuid(), 'resource_registered', 'Car', gen_random_uuid(), now(), 1, 'Old', '{}'"
            " FROM generate_series(1, %(many)s)",
            many=MANY,
        )
        yield app
        disconnect()


@pytest.fixture
def client(app):
    """A client of the service of the previous version, which the migration does not stop."""
    return app.test_client()


@pytest.fixture
def switched(app, tmp_path):
    """Stop the migration after its first transaction: the previous table has become the default partition."""
    folder = tmp_path / "migrations"
    shutil.copytree(revisions.MIGRATIONS, folder)
    (folder / "versions" / "later.py").write_text(LATER.format(newest=revisions.newest()))
    # Only a migration to the newest revision goes on.
    upgrade(directory=str(folder), revision=revisions.newest())


def register(client, name):
    """Register a car; repeat that while the response is 503, after which the car may be registered already."""
    statuses = []

    def is_answered():
        statuses.append(client.post("/api/cars", json={"name": name}).status_code)
        return statuses[-1] != 503

    until(is_answered)
    assert statuses[-1] == 201 or (len(statuses) > 1 and statuses[-1] == 409), statuses


def indexes(url):
    return names(url, "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'events'::regclass ORDER BY 1")


def names(url, query):
    return [name for (name,) in execute(url, query)]


def require_settled(url, client):
    """Check that the migration is complete: the default partition is empty, and the next event has its own range."""
    before = keys(url)
    assert len(filled_partitions(url)) == 1
    register(client, "After the migration")
    filled = filled_partitions(url)
    assert sorted(filled.values()) == [1, len(before)]
    assert "events_default" in partitions(url).keys() - filled.keys()
    assert keys(url)[:-1] == before
    checks = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text ~ '^events'"
    assert names(url, checks) == []
    assert schema_check.revision() == revisions.newest()
    assert integrity_check.check().ok


def work(app, number, finished):
    """Register cars until ``finished`` is set; return their names."""
    client, vehicles = app.test_client(), []
    while not finished.is_set():
        vehicles.append(f"Car {number}.{len(vehicles)}")
        register(client, vehicles[-1])
    return vehicles


def follow(app, finished):
    """Read the feed until ``finished`` is set and everything was read; return the ids of the events."""
    reader, ids = FeedReader(app.test_client(), limit=100), []
    while True:
        is_last = finished.is_set()
        ids += [event["id"] for event in reader.new_events()]
        if is_last:
            return ids


def test_the_service_goes_on_during_the_migration_and_loses_nothing(app, client, url):
    working, reading = threading.Event(), threading.Event()
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(work, app, number, working) for number in range(2)]
        readers = [pool.submit(follow, app, reading) for _ in range(2)]
        until(lambda: len(keys(url)) > MANY + 20)
        migrate.migrate()
        stored = len(keys(url))
        until(lambda: len(keys(url)) > stored + 20)
        working.set()
        vehicles = [name for writer in writers for name in writer.result()]
        reading.set()
    rows = execute(url, "SELECT id::text, name FROM events ORDER BY key")
    assert sorted(name for _, name in rows if name != "Old") == sorted(vehicles)
    for reader in readers:
        assert reader.result() == [id_ for id_, _ in rows]
    assert "events_default" not in filled_partitions(url)


def start_migration(url):
    command = [sys.executable, "-m", "invsys.inventory.manage", "migrate"]
    environ = {"INVSYS_DATABASE_URL": url, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT / "src"), **LONG_TIMEOUTS}
    return subprocess.Popen(command, env=environ)


def test_a_migration_repeats_its_attempts_while_the_service_goes_on(client, url):
    with locked(url, "SELECT FROM events") as reader, start_migration(url) as process:
        for name in ("Car1", "Car2"):
            until_waiting(url, 1)
            # It waits behind the migration, until that gives its attempt up.
            register(client, name)
        assert process.poll() is None
        reader.rollback()
    assert process.returncode == 0
    require_settled(url, client)


def test_a_killed_migration_goes_on_at_the_next_attempt(client, url):
    with locked(url, "SELECT FROM events"), start_migration(url) as process:
        until_waiting(url, 1)
        process.send_signal(signal.SIGKILL)
    register(client, "Car1")
    assert schema_check.revision() == BEFORE
    migrate.migrate()
    require_settled(url, client)


STEPS = [
    lambda connection, state: state.update(upper_key=event_partitions._bound_default(connection)),
    lambda connection, state: event_partitions._validate(connection, state["upper_key"]),
    lambda connection, state: event_partitions._attach_default_as_range(connection, state["upper_key"]),
]


@pytest.mark.usefixtures("switched")
@pytest.mark.parametrize("steps", range(len(STEPS) + 1))
def test_a_migration_interrupted_after_a_step_is_completed(client, url, steps):
    state = {}
    for step in STEPS[:steps]:
        with db.engine.begin() as connection:
            step(connection, state)
        register(client, f"Car {len(keys(url))}")
    assert len(FeedReader(client).new_events()) == MANY + steps
    migrate.migrate()
    require_settled(url, client)
    migrate.migrate()
    assert sorted(filled_partitions(url).values()) == [1, MANY + steps]


@pytest.mark.usefixtures("switched")
def test_a_constraint_that_new_events_would_soon_violate_is_replaced(client, url):
    with db.engine.begin() as connection:
        upper_key = event_partitions._bound_default(connection)
    continue_at(url, upper_key - 10)
    migrate.migrate()
    require_settled(url, client)


@pytest.mark.usefixtures("switched")
def test_events_below_the_ranges_stay_in_the_default_partition(client, url, caplog):
    migrate.migrate()
    execute(url, "SELECT drop_event_partition(%(key)s)", key=min(event_keys(url)))
    continue_at(url, 5)
    register(client, "Car1")
    migrate.migrate()
    assert filled_partitions(url) == {"events_default": 1}
    assert "smaller keys" in caplog.text


def event_keys(url):
    return [int(name.removeprefix("events_to_")) for name in partitions(url) if name != "events_default"]


def test_the_privileges_of_other_roles_are_kept(app, client, url):
    role = f"reports_{id(app)}"
    execute(url, f"CREATE ROLE {role} LOGIN")
    execute(url, f"GRANT SELECT ON events TO {role}")
    migrate.migrate()
    with psycopg.connect(url, user=role) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (MANY,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM events")
    execute(url, f"DROP OWNED BY {role}")
    execute(url, f"DROP ROLE {role}")


def test_the_way_back_keeps_all_events(client, url):
    migrate.migrate()
    register(client, "Car1")
    ends = sorted(event_keys(url))
    continue_at(url, ends[-1] - 1)
    for name in ("Car2", "Car3"):
        register(client, name)
    before, events = keys(url), FeedReader(client).new_events()
    assert len(filled_partitions(url)) == 4
    downgrade(revision=BEFORE)
    assert keys(url) == before
    assert indexes(url) == PLAIN
    assert names(url, "SELECT relname FROM pg_class WHERE relname ~ '^events_(to|default)'") == []
    assert FeedReader(client).new_events() == events
    register(client, "Car4")
    migrate.migrate()
    require_settled(url, client)
    assert FeedReader(client).new_events()[: len(events)] == events


@pytest.mark.usefixtures("switched")
def test_the_way_back_from_an_unfinished_migration(client, url):
    with db.engine.begin() as connection:
        event_partitions._bound_default(connection)
    downgrade(revision=BEFORE)
    assert indexes(url) == PLAIN
    register(client, "Car1")
    assert len(keys(url)) == MANY + 1
    migrate.migrate()
    require_settled(url, client)


def test_an_empty_database_gets_ranges_without_a_headroom(pg_server):
    with new_database(pg_server) as name:
        url = pg_server.url(name)
        app = build_app(load_settings(url))
        with app.app_context():
            migrate.migrate()
            register(app.test_client(), "Car1")
            disconnect()
        assert keys(url) == [1]
        assert filled_partitions(url) == {f"events_to_{FIRST_END}": 1}
