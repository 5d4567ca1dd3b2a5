"""Partitions of the events on PostgreSQL: the feed crosses them, and ``purge`` drops and adds them."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from flask_migrate import upgrade
from sqlalchemy import Interval, literal, update

from invsys.inventory.application import build_app
from invsys.inventory.db.models import Event, db
from invsys.inventory.maintenance import migrate, purge
from tests.conftest import disconnect, load_settings
from tests.support.blocking import locked, until_waiting
from tests.support.change_feed import FeedReader
from tests.support.databases import new_database
from tests.support.event_partitions import (
    FIRST_END,
    LAST_END,
    SECOND_END,
    continue_at,
    execute,
    filled_partitions,
    partitions,
)
from tests.support.late_writer import LateWriter
from tests.support.roles import Roles

DAY = 86400
FIRST, SECOND, LAST = (f"events_to_{end}" for end in (FIRST_END, SECOND_END, LAST_END))


@pytest.fixture
def url(pg_server):
    """The URL of a database, which only this test uses."""
    with new_database(pg_server) as name:
        yield pg_server.url(name)


def database_of(url):
    return psycopg.conninfo.conninfo_to_dict(url)["dbname"]


@pytest.fixture
def app(url):
    """An application whose database is migrated; the test runs in its application context."""
    app = build_app(load_settings(url))
    with app.app_context():
        upgrade()
        yield app
        disconnect()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def register(client, url):
    """Return a function that registers cars, the first of which has the event with this key; it returns their names."""
    names = iter(range(1000))

    def register(count, key=None):
        if key is not None:
            continue_at(url, key)
        new = [f"Car{next(names)}" for _ in range(count)]
        for name in new:
            assert client.post("/api/cars", json={"name": name}).status_code == 201
        return new

    return register


def age(days, *conditions):
    """Make events older; without conditions, all of them."""
    older = Event.at - literal(timedelta(days=days), Interval())
    with db.engine.begin() as connection:
        connection.execute(update(Event).where(*conditions).values(at=older))


def names(events):
    return [event["data"]["name"] for event in events]


def cursor_after(client, count):
    return client.get("/api/events", query_string={"limit": count}).json["next"]


def status_of(client, cursor):
    return client.get("/api/events", query_string={"after": cursor}).status_code


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_the_feed_has_each_event_once_and_in_order(client, url, register, limit):
    expected = [*register(2), *register(4, FIRST_END - 2), *register(4, SECOND_END - 2), *register(4, LAST_END - 2)]
    assert filled_partitions(url) == {FIRST: 4, SECOND: 4, LAST: 4, "events_default": 2}
    assert names(FeedReader(client, limit).new_events()) == expected
    assert names(FeedReader(client, limit, kind="resource_registered").new_events()) == expected
    assert client.get("/api/events?after=now").json["events"] == []


def test_a_partition_of_old_events_is_dropped_and_its_last_cursor_stays_valid(client, url, register):
    register(4, FIRST_END - 3)
    cursors = [cursor_after(client, count) for count in (1, 2, 3, 4)]
    age(2)
    purged = purge.purge(DAY, 1)
    assert (purged.partitions, purged.events) == (1, 0)
    assert FIRST not in partitions(url)
    assert [status_of(client, cursor) for cursor in cursors] == [410, 410, 200, 200]
    new = register(1)
    assert names(FeedReader(client).new_events()) == ["Car3", *new]
    reader = FeedReader(client)
    reader.cursor = cursors[2]
    assert names(reader.new_events()) == ["Car3", *new]


def test_the_partition_of_the_newest_event_is_kept(client, url, register):
    register(3, FIRST_END - 3)
    age(2)
    purged = purge.purge(DAY, 1)
    assert (purged.partitions, purged.events) == (0, 2)
    assert filled_partitions(url) == {FIRST: 1}


def test_old_events_of_a_partition_with_newer_ones_are_deleted(client, url, register):
    register(3, FIRST_END - 3)
    age(2, Event.key < FIRST_END - 1)
    register(1)
    purged = purge.purge(DAY, 1)
    assert (purged.partitions, purged.events) == (0, 2)
    assert names(FeedReader(client).new_events()) == ["Car2", "Car3"]


def test_a_partition_that_will_be_old_soon_is_left_until_then(client, url, register):
    register(4, FIRST_END - 3)
    age(100)
    # 16 days before the end of the time for which events are kept.
    for days, dropped in ((284, 0), (15, 0), (2, 1)):
        age(days)
        purged = purge.purge(DAY, 400)
        assert (purged.partitions, purged.events) == (dropped, 0)
        assert (FIRST in partitions(url)) == (not dropped)


def test_empty_partitions_before_the_newest_event_are_dropped(client, url, register):
    register(1)
    age(2)
    register(1, SECOND_END)
    cursor = cursor_after(client, 1)
    assert purge.purge(DAY, 1).partitions == 2
    assert status_of(client, cursor) == 200
    assert list(filled_partitions(url)) == [LAST]


def test_an_event_with_a_time_in_the_future_does_not_keep_a_partition(client, url, register):
    register(4, FIRST_END - 3)
    age(2, Event.key < FIRST_END - 1)
    age(-100, Event.key == FIRST_END - 1)
    assert purge.purge(DAY, 1).partitions == 1


def test_a_partition_in_which_an_event_can_still_be_committed_is_kept(app, client, url, register):
    register(2, FIRST_END - 3)
    late = LateWriter(app)
    late.execute("SELECT next_event_key()")
    register(1, FIRST_END)
    age(2)
    assert purge.purge(DAY, 1).partitions == 0
    late.rollback()
    age(2)
    assert purge.purge(DAY, 1).partitions == 1


def test_a_purge_repeats_its_attempts_while_the_service_goes_on(app, client, url, register):
    register(4, FIRST_END - 3)
    age(2)

    def purge_in_thread():
        with app.app_context():
            return purge.purge(DAY, 1)

    with ThreadPoolExecutor(1) as pool:
        with locked(url, "SELECT FROM events"):
            purging = pool.submit(purge_in_thread)
            until_waiting(url, 1)
            # These wait behind the purge, until it gives its attempt up.
            new = register(5)
            assert names(FeedReader(client, limit=4).new_events())[-5:] == new
            assert not purging.done()
        assert purging.result().partitions == 1
    assert names(FeedReader(client).new_events()) == new


def test_the_partitions_of_the_next_days_are_added(url, register):
    register(1, LAST_END - 11_000_000)
    before = partitions(url)
    purge.purge(DAY, 0)
    assert partitions(url) == before
    register(1, LAST_END - 9_000_000)
    # The first events of the sample are older, so the rate is low.
    age(30)
    purge.purge(DAY, 0)
    assert partitions(url).keys() - before.keys() == {f"events_to_{LAST_END + 10_000_000}"}


@pytest.mark.parametrize(("days_kept", "days_of_a_range"), [(400, 12.5), (0, 12.5), (64, 2), (20, 1)])
def test_partitions_are_as_large_as_the_rate_of_events_needs(url, register, days_kept, days_of_a_range):
    # A hundred million in ten days.
    register(1, 100_000_000)
    age(10)
    register(1, 200_000_000)
    before = partitions(url)
    purge.purge(DAY, days_kept)
    ends = sorted(int(name.removeprefix("events_to_")) for name in partitions(url).keys() - before.keys())
    assert ends[0] - LAST_END == pytest.approx(days_of_a_range * 10_000_000, rel=0.01)
    assert ends[-1] >= 200_000_000 + 7 * 9_990_000


def test_events_without_a_partition_are_stored_and_get_one(client, url, register, caplog):
    caplog.set_level(logging.INFO, "invsys.inventory")
    register(2, LAST_END - 1)
    cursor = cursor_after(client, 1)
    purge.purge(DAY, 400)
    assert "run 'invsys-manage migrate'" in caplog.text
    for _ in range(2):
        migrate.migrate()
        caplog.clear()
        purge.purge(DAY, 400)
        assert "migrate" not in caplog.text
    new = register(1)
    in_default, newest = (count for name, count in sorted(filled_partitions(url).items()) if name != LAST)
    assert (in_default, newest) == (1, 1)
    reader = FeedReader(client)
    reader.cursor = cursor
    assert names(reader.new_events()) == ["Car1", *new]


def test_events_in_the_default_partition_are_purged(client, url, register):
    register(3, LAST_END + 5)
    age(2)
    purged = purge.purge(DAY, 1)
    assert (purged.partitions, purged.events) == (3, 2)
    assert names(FeedReader(client).new_events()) == ["Car2"]


def test_the_services_role_can_drop_and_add_partitions_but_another_role_cannot(pg_server, url, open_client):
    roles = Roles(pg_server, database_of(url))
    roles.create()
    app = build_app(load_settings(roles.owner_url))
    with app.app_context():
        upgrade()
        disconnect()
    other = roles.service.replace("service", "other")
    execute(url, f"CREATE ROLE {other} LOGIN")
    execute(url, f"GRANT CONNECT ON DATABASE {database_of(url)} TO {other}")
    for call in (f"drop_event_partition({FIRST_END})", f"add_event_partition({LAST_END + 1})"):
        with psycopg.connect(roles.url_of(other)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT {call}")
    app = build_app(load_settings(roles.service_url))
    with app.app_context():
        client = app.test_client()
        for key in (FIRST_END - 1, LAST_END - 5):
            continue_at(url, key)
            assert client.post("/api/cars", json={"name": f"Car{key}"}).status_code == 201
            execute(url, "UPDATE events SET at = at - interval '2 days'")
        assert purge.purge(DAY, 1).partitions == 2
        disconnect()
    assert len(partitions(url)) > 2
