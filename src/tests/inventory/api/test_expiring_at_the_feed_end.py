"""A poll that reaches the end of the change feed writes the events of expired holds, without waiting for locks."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import func, select, text

from invsys.inventory.application import build_app
from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.conftest import load_settings
from tests.support.applications import close
from tests.support.blocking import locked
from tests.support.hours_in_2099 import hour_start, let_holds_expire
from tests.support.waiting import SECONDS

FEED = "/api/events"
MANY = 1_001


@pytest.fixture
def environ(environ):
    """The settings, with a statement timeout so long that a test fails if a request waits for a lock."""
    return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "120"}


@pytest.fixture
def expired_holds(app, register, allocate):
    """The ids of two expired holds, each of a different car."""
    holds = [
        allocate(register(f"Car{number}"), hour_start(10), hour_start(12), hold_seconds=60).json["id"]
        for number in range(2)
    ]
    let_holds_expire(app)
    return holds


@pytest.fixture
def allocation_count(app):
    """Return a function that counts the stored allocations, including expired holds."""

    def allocation_count():
        with app.app_context(), session.read() as connection:
            return connection.scalar(select(func.count()).select_from(ContinuousResourceAllocation))

    return allocation_count


@pytest.fixture
def poll(client):
    """Return a function that requests a page, and returns the ids of the expired holds in it and the next cursor.

    The function fails if the response does not arrive in time.
    """

    def request_page(query):
        response = client.get(FEED, query_string=query)
        assert response.status_code == 200, response.text
        expired_ids = [event["allocation_id"] for event in response.json["events"] if event["kind"] == "expired"]
        return sorted(expired_ids), response.json["next"]

    with ThreadPoolExecutor(1) as pool:
        yield lambda **query: pool.submit(request_page, query).result(SECONDS)


def test_only_the_first_poll_returns_the_events_of_expired_holds(poll, expired_holds, allocation_count):
    expired_ids, cursor = poll()
    assert (expired_ids, allocation_count()) == (sorted(expired_holds), 0)
    assert poll(after=cursor) == ([], cursor)


def test_now_is_after_the_events_of_expired_holds(poll, expired_holds, allocation_count):
    now = poll(after="now")[1]
    assert allocation_count() == 0
    assert poll(after=now) == ([], now)
    assert poll()[0] == sorted(expired_holds)


def test_a_full_page_does_not_expire_holds(poll, expired_holds, allocation_count):
    # The page is full: it has the events of two new vehicles and of their two holds.
    assert poll(limit=4)[0] == []
    assert allocation_count() == 2
    assert poll(limit=5)[0] != []


def test_active_holds_are_not_deleted(poll, car, allocate, allocation_count):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    assert poll()[0] == []
    assert allocation_count() == 1


def test_more_than_a_thousand_expired_holds_need_a_second_poll(app, poll, car, allocation_count):
    periods = [{"starts": f"{2000 + number}-01-01", "ends": f"{2000 + number}-01-02"} for number in range(MANY)]
    insert_expired(app, car, periods)
    expired_ids, cursor = poll(limit=1000)
    assert (len(expired_ids), allocation_count()) == (999, 1)
    assert [len(poll(after=cursor)[0]), allocation_count()] == [2, 0]


def insert_expired(app, car, periods):
    clock = "00:00:00.000000"
    zone = "" if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite") else "+00"
    insert = text(
        "INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends, expires)"
        " SELECT :id, key, :starts, :ends, :expires FROM continuous_resources"
    )
    rows = [
        {
            "id": f"{number:032x}",
            "expires": f"2020-01-01 {clock}{zone}",
            **{name: f"{day} {clock}{zone}" for name, day in period.items()},
        }
        for number, period in enumerate(periods)
    ]
    with app.app_context(), session.transaction() as connection:
        connection.execute(insert, rows)


def test_sqlite_expires_no_holds_during_a_write_in_this_process(engine, app, poll, expired_holds, allocation_count):
    with app.app_context(), session.transaction():
        assert poll()[0] == ([] if engine == "sqlite" else sorted(expired_holds))
    assert poll()[0] == sorted(expired_holds)
    assert allocation_count() == 0


@contextmanager
def open_transaction(app, engine, database_url, statement):
    """Keep a transaction open, as another process might do."""
    if engine == "postgresql":
        with locked(database_url, statement):
            yield
        return
    # A separate connection does not take the lock with which this process serialises its own writers.
    with app.app_context():
        connection = db.engine.connect()
    connection.begin()
    yield
    connection.close()


LOCKS = {
    "a hold": "SELECT FROM continuous_resource_allocations WHERE id = '{0}' FOR UPDATE",
    "its vehicle": "SELECT FROM continuous_resources AS r WHERE EXISTS (SELECT FROM continuous_resource_allocations"
    " WHERE id = '{0}' AND resource_key = r.key) FOR UPDATE",
    "the events": "LOCK TABLE events IN SHARE MODE",
    "the allocations": "LOCK TABLE continuous_resource_allocations IN SHARE MODE",
}


@pytest.mark.parametrize("lock", LOCKS)
def test_locked_expired_holds_are_reported_by_a_later_poll(
    engine, app, database_url, poll, expired_holds, allocation_count, lock
):
    one, other = expired_holds
    with open_transaction(app, engine, database_url, LOCKS[lock].format(one)):
        expired_ids, cursor = poll()
        skips_rows = engine == "postgresql" and "FOR UPDATE" in LOCKS[lock]
        assert expired_ids == ([other] if skips_rows else [])
    assert poll(after=cursor)[0] == sorted([one] if skips_rows else expired_holds)
    assert allocation_count() == 0


ROLES = {
    "has only read privileges": "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    "has a read-only default": "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};"
    " GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role};"
    " ALTER ROLE {role} SET default_transaction_read_only = on",
}


@pytest.fixture(params=ROLES)
def reader_url(request, engine, database_url):
    """The URL of the database for a role that cannot write; SQLite has no roles, so its URL stays the same."""
    if engine == "sqlite":
        yield database_url
        return
    role = "reader"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        connection.execute(ROLES[request.param].format(role=role))
        yield database_url.replace("postgres@", f"{role}@") + "&target_session_attrs=any"
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_a_read_only_role_gets_the_stored_events(engine, client, expired_holds, allocation_count, reader_url, caplog):
    app = build_app(load_settings(reader_url))
    if engine == "sqlite":
        with app.app_context(), closing(db.engine.raw_connection()) as connection:
            # Simulate a read-only file, because the tests may run as root, which can write to a real one.
            connection.driver_connection.execute("PRAGMA query_only=ON")
    for query in ({}, {"after": "now"}):
        response = app.test_client().get(FEED, query_string=query)
        assert response.status_code == 200, response.text
        assert "expired" not in [event["kind"] for event in response.json["events"]]
    close(app)
    assert not caplog.records
    assert allocation_count() == 2
