"""Session settings override those of the role, database, URL and environment that could change the results."""

import pytest

from invsys.inventory.application import build_app
from invsys.inventory.db import session
from invsys.inventory.db.models import db
from invsys.inventory.db.postgresql import session_settings
from tests.conftest import load_settings
from tests.support.applications import close
from tests.support.databases import new_database

HOSTILE = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Pacific/Chatham",
    "client_encoding": "LATIN1",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "row_security": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "exit_on_error": "on",
    "lock_timeout": "60s",
    "idle_session_timeout": "60s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "on",
    "invsys.writes_events": "yes",
}
URL_OPTIONS = "-cdatestyle%3DSQL%2CDMY%20-cdefault_transaction_isolation%3Dserializable%20-ctimezone%3DAsia%2FTokyo"


@pytest.fixture
def open_app():
    """Return a function that builds an application for a database URL."""
    apps = []

    def open_app(url, **more):
        apps.append(build_app(load_settings(url, **more)))
        return apps[-1]

    yield open_app
    for app in apps:
        close(app)


def by_database(pg_server, name, monkeypatch):
    for setting, value in HOSTILE.items():
        pg_server.execute(f"ALTER DATABASE {name} SET {setting} TO '{value}'")
    return pg_server.url(name)


def by_role(pg_server, name, monkeypatch):
    role = name.replace("own", "role")
    pg_server.execute(f"CREATE ROLE {role} SUPERUSER LOGIN")
    for setting, value in HOSTILE.items():
        pg_server.execute(f"ALTER ROLE {role} SET {setting} TO '{value}'")
    return pg_server.url(name).replace("postgres@", f"{role}@")


def by_environment(pg_server, name, monkeypatch):
    for variable, value in {"PGDATESTYLE": "German", "PGTZ": "Asia/Tokyo", "PGCLIENTENCODING": "LATIN1"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_isolation=serializable -c lock_timeout=60s")
    return pg_server.url(name)


def by_url(pg_server, name, monkeypatch):
    return f"{pg_server.url(name)}&client_encoding=latin1&options={URL_OPTIONS}"


SOURCES = pytest.mark.parametrize("source", [by_database, by_role, by_environment, by_url])


@SOURCES
def test_responses_do_not_depend_on_settings_from_elsewhere(pg_server, name, open_app, monkeypatch, source):
    client = open_app(source(pg_server, name, monkeypatch)).test_client()
    key = {"Idempotency-Key": "order-1"}
    path = client.post("/api/cars", json={"name": "100 € für 日本"}, headers=key).headers["Location"]
    body = {"from_datetime": "2099-03-01T10:00:00Z", "to_infinity": True, "hold_seconds": 60, "description": "€"}
    first, replay = (client.post(f"{path}/allocations", json=body, headers={"Idempotency-Key": "2"}) for _ in range(2))
    assert (first.status_code, replay.status_code) == (201, 201), first.text
    assert replay.json == first.json
    assert (first.json["from_datetime"], first.json["description"]) == ("2099-03-01T10:00:00Z", "€")
    assert client.get(path).json["name"] == "100 € für 日本"
    assert [event["kind"] for event in client.get("/api/events").json["events"]] == ["resource_registered", "allocated"]


@SOURCES
def test_every_connection_has_all_session_settings(pg_server, name, open_app, monkeypatch, source):
    url = source(pg_server, name, monkeypatch)
    with open_app(url, INVSYS_DATABASE_STATEMENT_TIMEOUT="7").app_context():
        for engine in db.engines.values():
            with engine.connect() as connection:
                actual = {setting: connection.exec_driver_sql(f"SHOW {setting}").scalar() for setting in EXPECTED}
                assert actual == EXPECTED


EXPECTED = {
    **{
        setting: value
        for setting, value in session_settings._SETTINGS.items()
        if setting in HOSTILE and "." not in setting
    },
    "client_encoding": "UTF8",
    "statement_timeout": "7s",
    "idle_in_transaction_session_timeout": "7s",
}


def test_every_hostile_setting_is_overridden():
    overridden = set(session_settings._SETTINGS) | {"client_encoding", "statement_timeout"}
    overridden |= {"idle_in_transaction_session_timeout"}
    # PostgreSQL 15 has no transaction_timeout.
    assert set(HOSTILE) == overridden - {"transaction_timeout"}


def test_a_default_of_writes_events_does_not_hide_open_transactions_from_the_feed(pg_server, name, open_app):
    pg_server.execute(f"ALTER DATABASE {name} SET invsys.writes_events TO 'yes'")
    app = open_app(pg_server.url(name))
    with app.app_context(), session.transaction() as connection:
        connection.exec_driver_sql("SELECT next_event_key()")
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert connection.exec_driver_sql(locks).scalar() == 1


def test_an_ordinary_role_can_connect_despite_settings_that_it_may_not_change(pg_server, name, open_app):
    role = name.replace("own", "plain")
    pg_server.execute(f"CREATE ROLE {role} LOGIN")
    with (
        open_app(pg_server.url(name).replace("postgres@", f"{role}@")).app_context(),
        db.engine.connect() as connection,
    ):
        assert connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"


@pytest.mark.parametrize(("encoding", "locale"), [("SQL_ASCII", "C"), ("LATIN1", "C")])
@pytest.mark.parametrize("words", [["migrate"], ["serve", "--check"], ["serve"], ["check"], ["purge"], ["export"]])
def test_every_command_refuses_a_database_that_is_not_utf8(pg_server, encoding, locale, words, run_on):
    options = f"ENCODING '{encoding}' LOCALE '{locale}' TEMPLATE template0"
    with new_database(pg_server, options) as name:
        status, printed, error = run_on(pg_server.url(name))(*words)
    assert (status, printed) == (2, "")
    [line] = error.strip().splitlines()
    assert line.startswith(f"invsys-manage: The database {name} has the encoding {encoding}")
    assert "ENCODING 'UTF8' TEMPLATE template0" in line


def test_readyz_and_requests_refuse_a_database_that_is_not_utf8(pg_server, open_app):
    with new_database(pg_server, "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0") as name:
        client = open_app(pg_server.url(name)).test_client()
        for path in ("/readyz", "/api/cars"):
            response = client.get(path)
            assert (response.status_code, response.json["code"]) == (503, "database_unavailable")
            assert "has the encoding LATIN1" in response.json["detail"]


def test_a_session_without_foreign_key_checks_is_refused(pg_server, name, open_app):
    pg_server.execute(f"ALTER DATABASE {name} SET session_replication_role TO 'replica'")
    response = open_app(pg_server.url(name)).test_client().get("/readyz")
    assert response.status_code == 503
    assert "session_replication_role = replica" in response.json["detail"]


def test_a_schema_without_the_tables_is_refused(pg_server, name, open_app):
    pg_server.execute(f"ALTER DATABASE {name} SET search_path TO 'elsewhere'")
    response = open_app(pg_server.url(name)).test_client().get("/readyz")
    assert response.status_code == 503
    assert "run 'invsys-manage migrate'" in response.json["detail"]


def test_a_database_that_becomes_read_only_causes_503(pg_server, name, open_app):
    pg_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only TO on")
    client = open_app(pg_server.url(name)).test_client()
    assert client.get("/readyz").status_code == 503
    reading = open_app(pg_server.url(name) + "&target_session_attrs=any").test_client()
    assert reading.get("/api/cars").json == []
    response = reading.post("/api/cars", json={"name": "Car1"})
    assert (response.status_code, response.json["code"]) == (503, "database_unavailable")
