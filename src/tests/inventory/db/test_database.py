"""Databases that are unreachable, unusable or busy."""

import contextlib
import gc
import io
import os
import resource
import shutil
import sqlite3
import uuid
from pathlib import Path

import pytest
from sqlalchemy import text

from invsys.chassis.http.problems import Problem
from invsys.inventory.application import build_app, create_app
from invsys.inventory.db import failures, schema_check, session
from invsys.inventory.db.models import db
from invsys.inventory.errors import UnusableDatabase
from tests.conftest import PostgreSQL, disconnect, load_settings, migrate
from tests.support.waiting import LONG_TIMEOUTS, SECONDS, until

# Before the fixture ``patience`` replaces it.
SLOW_SECONDS = failures._SLOW_SECONDS


@pytest.fixture
def own_postgresql(request):
    """A PostgreSQL server that the test may stop or freeze, or None with --sqlite-only."""
    if request.config.getoption("--sqlite-only"):
        yield None
        return
    server = PostgreSQL()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def circuit_breaker(monkeypatch):
    """Let the circuit breaker open as in production; in the other tests, it stays closed."""
    monkeypatch.setattr(failures, "_SLOW_SECONDS", SLOW_SECONDS)


@pytest.fixture
def build_for():
    """Return a function that builds an application for a database URL; its connections are closed after the test."""
    apps = []

    def build(url, **more):
        apps.append(build_app(load_settings(url, **more)))
        return apps[-1]

    yield build
    for app in apps:
        with app.app_context():
            disconnect()


def is_away(response):
    return (
        response.status_code == 503
        and response.json["code"] == "database_unavailable"
        and "Retry-After" in response.headers
    )


def test_a_stopped_database_causes_503_until_it_is_back(own_postgresql, build_for):
    if own_postgresql is None:
        return
    migrate(own_postgresql.url())
    app = build_for(own_postgresql.url())
    client = app.test_client()
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    assert client.get(path).status_code == 200

    own_postgresql.stop()
    for response in (client.get(path), client.post("/api/cars", json={"name": "Car2"}), client.delete(path)):
        assert is_away(response)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200

    own_postgresql.start()
    # Each connection that was lost with the server may cause one more request to fail.
    responses = [client.get(path).status_code for _ in range(10)]
    assert responses[-1] == 200
    assert client.post("/api/cars", json={"name": "Car2"}).status_code == 201


def open_connections(app):
    with app.app_context():
        return sum(engine.pool.checkedin() for engine in db.engines.values())


def opens_connections(app):
    """Return whether the application could open three connections."""
    try:
        with app.app_context(), session.transaction(), session.read(), session.read():
            pass
    except Problem:
        return False
    return open_connections(app) == 3


@pytest.mark.usefixtures("circuit_breaker")
def test_a_hanging_database_causes_503_within_the_timeout(own_postgresql, build_for):
    if own_postgresql is None:
        return
    migrate(own_postgresql.url())
    app = build_for(own_postgresql.url(), INVSYS_DATABASE_STATEMENT_TIMEOUT="1")
    client = app.test_client()
    # On a busy machine, a server that works can be slower than this timeout.
    until(lambda: opens_connections(app))
    own_postgresql.freeze()
    try:
        assert is_away(client.get("/api/cars"))
        # All pooled connections are closed, because another server may have replaced this one.
        assert open_connections(app) == 0
    finally:
        own_postgresql.thaw()
    # The circuit breaker stays open for a second; then the service connects to the database again.
    until(lambda: client.get("/api/cars").status_code == 200)


@pytest.fixture
def many_open_files():
    """Keep more than 1024 files open, like a worker that has accepted many connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(Path(os.devnull).open())
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_open_files")
def test_a_worker_with_more_than_1024_open_files_serves_requests(own_app):
    # The application connects only now, so the file descriptors of its connections are above 1024.
    client = own_app.test_client()
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    for number in range(3):
        assert client.patch(path, json={"name": f"New{number}"}).status_code == 200
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("setting", ["fsync=off", "synchronous_commit=off"])
def test_a_postgresql_without_durability_is_refused_unless_allowed(own_postgresql, setting, caplog, build_for):
    if own_postgresql is None:
        return
    url = own_postgresql.url()
    migrate(url)
    own_postgresql.stop("fast")
    own_postgresql.start(setting)
    app = build_for(url)
    with app.app_context(), pytest.raises(UnusableDatabase, match=setting):
        schema_check.require_usable_at_start()
    assert is_away(app.test_client().get("/api/cars"))
    allowed = build_for(url, INVSYS_DATABASE_ALLOW_UNSAFE_DURABILITY="yes")
    assert allowed.test_client().get("/api/cars").status_code == 200
    assert setting in caplog.text


def test_the_service_starts_without_its_database_and_serves_when_it_is_back(own_postgresql, monkeypatch, caplog):
    if own_postgresql is None:
        return
    url = own_postgresql.url()
    migrate(url)
    own_postgresql.stop()
    for variable, value in {"INVSYS_DATABASE_URL": url, **LONG_TIMEOUTS}.items():
        monkeypatch.setenv(variable, value)
    app = create_app()
    client = app.test_client()
    assert is_away(client.get("/api/cars"))
    own_postgresql.start()
    assert client.get("/api/cars").status_code == 200
    with app.app_context():
        disconnect()


def test_a_locked_sqlite_file_causes_busy_and_no_change(tmp_path, build_for):
    url = f"sqlite:///{tmp_path / 'locked.sqlite3'}"
    migrate(url)
    client = build_for(url, INVSYS_DATABASE_STATEMENT_TIMEOUT="1").test_client()
    other = sqlite3.connect(tmp_path / "locked.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    response = client.post("/api/cars", json={"name": "Car1"})
    assert (response.status_code, response.json["code"]) == (503, "busy")
    assert "Retry-After" in response.headers
    assert client.get("/api/cars").json == []
    other.rollback()
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
    other.close()


@pytest.mark.usefixtures("patient_driver")
def test_a_locked_postgresql_row_causes_busy_and_no_change(engine, app, client, build_for):
    if engine == "sqlite":
        return
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    with app.app_context(), db.engine.connect() as other:
        other.execute(text("SELECT * FROM continuous_resources FOR UPDATE"))
        impatient = build_for(
            app.config["SQLALCHEMY_DATABASE_URI"], INVSYS_DATABASE_STATEMENT_TIMEOUT="1"
        ).test_client()
        response = impatient.post(f"{path}/allocations", json={"from_infinity": True, "to_infinity": True})
    assert (response.status_code, response.json["code"]) == (503, "busy")
    assert client.get(f"{path}/allocations").json == []


def test_sqlite_connections_have_the_pragmas_that_the_guarantee_needs(app, engine):
    if engine != "sqlite":
        return
    with app.app_context(), db.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_decommissioned_vehicle_cannot_be_allocated(app, client):
    path = client.post("/api/cars", json={"name": uuid.uuid4().hex}).headers["Location"]
    assert client.delete(path).status_code == 204
    assert client.post(f"{path}/allocations", json={"from_infinity": True, "to_infinity": True}).status_code == 404


def test_a_restart_of_postgresql_between_two_requests_fails_neither(own_postgresql, build_for):
    if own_postgresql is None:
        return
    migrate(own_postgresql.url())
    client = build_for(own_postgresql.url()).test_client()
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    own_postgresql.stop("fast")
    own_postgresql.start()
    assert client.post("/api/cars", json={"name": "Car2"}).status_code == 201
    assert client.get(path).status_code == 200
    assert client.delete(path).status_code == 204


def test_a_connection_that_is_in_use_while_the_others_are_closed_is_closed_afterwards(own_postgresql, build_for):
    if own_postgresql is None:
        return
    app = build_for(own_postgresql.url())
    with app.app_context(), contextlib.closing(db.engines["autocommit"].raw_connection()):
        disconnect()
    # A connection that is still open now causes a warning, which is an error.
    gc.collect()


@pytest.mark.usefixtures("circuit_breaker")
def test_only_the_first_request_waits_for_a_hanging_database(own_postgresql, build_for, monkeypatch):
    if own_postgresql is None:
        return
    migrate(own_postgresql.url())
    client = build_for(own_postgresql.url(), INVSYS_DATABASE_STATEMENT_TIMEOUT="1").test_client()
    until(lambda: client.get("/api/cars").status_code == 200)
    # The next request must be sent while the circuit is open.
    monkeypatch.setattr(failures, "_PAUSE_SECONDS", SECONDS)
    own_postgresql.freeze()
    try:
        assert is_away(client.get("/api/cars"))
        response = client.get("/api/cars")
    finally:
        own_postgresql.thaw()
    assert is_away(response)
    assert "a moment ago" in response.json["detail"]


@pytest.fixture
def file(tmp_path):
    """The path of a migrated SQLite database, in its own folder."""
    file = tmp_path / "own" / "invsys.sqlite3"
    file.parent.mkdir()
    migrate(f"sqlite:///{file}")
    return file


def test_a_sqlite_file_that_can_no_longer_be_opened_is_unavailable(file, build_for):
    client = build_for(f"sqlite:///{file}").test_client()
    assert client.get("/api/cars").status_code == 200
    shutil.rmtree(file.parent)
    assert is_away(client.post("/api/cars", json={"name": "Car1"}))
    assert is_away(client.get("/api/cars"))


def test_a_replaced_sqlite_file_is_used_by_all_applications(file, build_for):
    url = f"sqlite:///{file}"
    early = build_for(url).test_client()
    path = early.post("/api/cars", json={"name": "Car1"}).headers["Location"] + "/allocations"
    with sqlite3.connect(file) as source, sqlite3.connect(file.parent / "copy") as copy:
        source.backup(copy)
    source.close()
    copy.close()
    for leftover in file.parent.glob("invsys.sqlite3-*"):
        leftover.unlink()
    (file.parent / "copy").replace(file)
    late = build_for(url).test_client()
    always = {"from_infinity": True, "to_infinity": True}
    assert sorted(client.post(path, json=always).status_code for client in (late, early)) == [201, 409]


def test_a_request_succeeds_even_if_its_log_line_cannot_be_written(client, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError("No space left on device")

    monkeypatch.setattr("sys.stderr", Full())
    assert client.post("/api/cars", json={"name": "Car1"}).status_code == 201
