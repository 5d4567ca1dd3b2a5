"""The first poll that reaches the end of the feed writes the events of expired holds, without waiting for a lock."""

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
from tests.support.instants import at, let_holds_expire
from tests.support.waiting import SECONDS

FEED = "/api/events"
MANY = 1_001


@pytest.fixture
def environ(environ):
    """A request that waits for a lock takes longer than a test may."""
    return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "120"}


@pytest.fixture
def expired(app, register, allocate):
    """The ids of two expired holds, each of a car of its own."""
    holds = [allocate(register(f"Car{number}"), at(10), at(12), hold_seconds=60).json["id"] for number in range(2)]
    let_holds_expire(app)
    return holds


@pytest.fixture
def left(app):
    """Count the allocations that are there, expired holds too."""

    def left():
        with app.app_context(), session.read() as connection:
            return connection.scalar(select(func.count()).select_from(ContinuousResourceAllocation))

    return left


@pytest.fixture
def poll(client):
    """Ask for a page, without waiting for a lock; return the ids of the expired holds in it, and the cursor."""

    def ask(query):
        response = client.get(FEED, query_string=query)
        assert response.status_code == 200, response.text
        ended = [one["allocation_id"] for one in response.json["events"] if one["kind"] == "expired"]
        return sorted(ended), response.json["next"]

    with ThreadPoolExecutor(1) as pool:
        yield lambda **query: pool.submit(ask, query).result(SECONDS)


def test_the_first_poll_has_the_events_of_expired_holds_and_only_the_first(poll, expired, left):
    ended, cursor = poll()
    assert (ended, left()) == (sorted(expired), 0)
    assert poll(after=cursor) == ([], cursor)


def test_the_end_of_the_feed_is_behind_them(poll, expired, left):
    now = poll(after="now")[1]
    assert left() == 0
    assert poll(after=now) == ([], now)
    assert poll()[0] == sorted(expired)


def test_a_full_page_leaves_them_alone(poll, expired, left):
    # Two cars, two allocations.
    assert poll(limit=4)[0] == []
    assert left() == 2
    assert poll(limit=5)[0] != []


def test_holds_that_count_stay(poll, car, allocate, left):
    allocate(car, at(10), at(12), hold_seconds=60)
    assert poll()[0] == []
    assert left() == 1


def test_more_than_a_thousand_come_with_the_next_poll(app, poll, car, left):
    periods = [{"starts": f"{2000 + number}-01-01", "ends": f"{2000 + number}-01-02"} for number in range(MANY)]
    insert_expired(app, car, periods)
    ended, cursor = poll(limit=1000)
    assert (len(ended), left()) == (999, 1)
    assert [len(poll(after=cursor)[0]), left()] == [2, 0]


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


def test_beside_a_writer_in_this_process_sqlite_leaves_them_alone(engine, app, poll, expired, left):
    with app.app_context(), session.transaction():
        assert poll()[0] == ([] if engine == "sqlite" else sorted(expired))
    assert poll()[0] == sorted(expired)
    assert left() == 0


@contextmanager
def writing(app, engine, database_url, statement):
    """Keep a transaction of another process open."""
    if engine == "postgresql":
        with locked(database_url, statement):
            yield
        return
    # A connection of its own, which asks nobody in this process.
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
def test_what_another_transaction_has_locked_comes_later(engine, app, database_url, poll, expired, left, lock):
    one, other = expired
    with writing(app, engine, database_url, LOCKS[lock].format(one)):
        ended, cursor = poll()
        skips_rows = engine == "postgresql" and "FOR UPDATE" in LOCKS[lock]
        assert ended == ([other] if skips_rows else [])
    assert poll(after=cursor)[0] == sorted([one] if skips_rows else expired)
    assert left() == 0


ROLES = {
    "may only read": "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    "is set to only read": "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};"
    " GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role};"
    " ALTER ROLE {role} SET default_transaction_read_only = on",
}


@pytest.fixture(params=ROLES)
def reader_url(request, engine, database_url):
    """The URL for a role that cannot write; on SQLite, which has no roles, the same URL."""
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


def test_a_role_that_may_not_write_reads_what_is_there(engine, client, expired, left, reader_url, caplog):
    app = build_app(load_settings(reader_url))
    if engine == "sqlite":
        with app.app_context(), closing(db.engine.raw_connection()) as connection:
            # As if the file were read-only, which it is not for root, whatever its mode.
            connection.driver_connection.execute("PRAGMA query_only=ON")
    for query in ({}, {"after": "now"}):
        response = app.test_client().get(FEED, query_string=query)
        assert response.status_code == 200, response.text
        assert "expired" not in [one["kind"] for one in response.json["events"]]
    close(app)
    assert not caplog.records
    assert left() == 2
