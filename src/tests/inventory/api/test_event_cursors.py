"""Cursors of the change feed: they name an event that is there, or was purged last; any other is 410."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import delete, event, func, select, text, update

from invsys.inventory.db import session
from invsys.inventory.db.models import CursorState, Event, db
from invsys.inventory.maintenance import purge as maintenance_purge
from invsys.inventory.queries import cursors
from invsys.inventory.schemas.fields import FeedCursor
from tests.support.change_feed import FeedReader
from tests.support.late_writer import LateWriter

FEED = "/api/events"
DAY = 86400


def ask(client, **query):
    response = client.get(FEED, query_string=query)
    assert response.status_code == 200, response.text
    return response.json["events"], response.json["next"]


@pytest.fixture
def names(register):
    """Register so many cars, and return their names."""
    count = 0

    def names(number):
        nonlocal count
        made = [f"Car{count + each}" for each in range(number)]
        count += number
        for name in made:
            register(name)
        return made

    return names


def car_names(events):
    return [one["data"]["name"] for one in events]


@pytest.fixture
def expired(client, refused):
    """Check that a cursor is answered with 410."""

    def expired(cursor):
        body = refused(client.get(FEED, query_string={"after": cursor}), 410, "cursor_expired")
        assert "after=now" in body["detail"]

    return expired


@pytest.fixture
def purge(app):
    """Let all events grow old, and purge them; the newest stays."""

    def purge():
        with app.app_context():
            with db.engine.begin() as connection:
                for key, at in connection.execute(select(Event.key, Event.at)).all():
                    connection.execute(update(Event).where(Event.key == key).values(at=at - timedelta(days=2)))
            return maintenance_purge.purge(DAY, 1).events

    return purge


@pytest.fixture
def lose(app, engine):
    """Lose the last events, and go on with their numbers, as after a restore from an older backup."""

    def lose(count):
        with app.app_context(), db.engine.begin() as connection:
            last = connection.scalar(select(func.max(Event.key))) - count
            connection.execute(delete(Event).where(Event.key > last))
            if engine == "postgresql":
                connection.execute(text("SELECT setval('events_key_seq', :last)"), {"last": last})

    return lose


@pytest.fixture
def key_of(app):
    """The number of the event that a cursor names."""

    def key_of(cursor):
        with app.app_context():
            return cursors.read(cursors.EVENTS, FeedCursor().deserialize(cursor))[0]

    return key_of


@pytest.fixture
def last_key(app):
    """The number of the last event that is there."""

    def last_key():
        with app.app_context(), session.read() as connection:
            return connection.scalar(select(func.max(Event.key)))

    return last_key


def test_a_cursor_from_before_a_restore_is_refused_before_and_after_its_number_is_given_again(
    client, names, lose, expired
):
    names(3)
    before = ask(client)[1]
    lost = [ask(client, after=before)[1] for _ in names(3)]
    names(1)
    lost = [ask(client, limit=limit)[1] for limit in (4, 5, 6, 7)]
    lose(4)
    for cursor in lost:
        expired(cursor)
    again = names(5)
    for cursor in lost:
        expired(cursor)
    assert car_names(ask(client, after=before)[0]) == again


def test_what_purge_has_overtaken_is_refused_and_its_last_event_is_not(client, names, purge, expired):
    names(4)
    first, second, third, fourth = (ask(client, limit=limit)[1] for limit in (1, 2, 3, 4))
    assert purge() == 3
    expired(first)
    expired(second)
    new = names(1)
    assert car_names(ask(client, after=third)[0]) == ["Car3", *new]
    assert car_names(ask(client, after=fourth)[0]) == new
    assert car_names(ask(client)[0]) == ["Car3", *new]
    assert purge() == 1
    expired(third)
    assert car_names(ask(client, after=fourth)[0]) == new


def test_the_start_of_an_empty_feed_is_good_until_something_was_purged(client, names, purge, expired):
    start = ask(client)[1]
    assert ask(client, after="now") == ([], start)
    assert ask(client, after=start) == ([], start)
    names(2)
    assert car_names(ask(client, after=start)[0]) == ["Car0", "Car1"]
    assert purge() == 1
    expired(start)


def test_now_is_the_end_of_the_feed(client, names):
    names(3)
    events, now = ask(client, after="now", limit=2)
    assert (events, now) == ([], ask(client)[1])
    assert ask(client, after=now) == ([], now)
    assert car_names(ask(client, after=now)[0]) == []
    new = names(2)
    assert car_names(ask(client, after=now)[0]) == new


@pytest.mark.parametrize("after", ["Now", "now ", "NOW"])
def test_now_is_written_in_one_way(client, refused, after):
    refused(client.get(FEED, query_string={"after": after}), 422, "invalid_fields", "after")


def test_now_after_a_purge_is_the_event_that_stayed(client, names, purge, key_of, last_key):
    names(3)
    purge()
    assert key_of(ask(client, after="now")[1]) == last_key()


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_next_always_names_an_event_that_is_there(engine, app, client, names, key_of, last_key, limit):
    names(2)
    if engine == "postgresql":
        late = LateWriter(app)
        late.execute("SELECT next_event_key()")
        late.rollback()
    reader = FeedReader(client, limit)
    reader.new_events()
    assert key_of(ask(client, after="now")[1]) == last_key()
    cursor = ask(client, after="now")[1]
    assert key_of(ask(client, after=cursor, limit=limit)[1]) == last_key()


@pytest.mark.parametrize("cursor", ["WzFd", "WzEyMzRd", "WzBd"])
def test_a_cursor_of_the_form_before_migration_0004_has_expired(client, names, expired, cursor):
    names(1)
    expired(cursor)


def test_a_cursor_of_another_database_has_expired(client, names, expired):
    names(1)
    expired(cursors.encrypt(AESSIV(bytes(64)), cursors.EVENTS, 1, 1))


@pytest.fixture
def before_statement(app):
    """Do something, once, before the statement of this number (from 0 on) of those that only read."""
    listening = []

    def before_statement(number, act):
        count = iter(range(100))

        def listen(*_):
            if next(count) == number:
                act()

        with app.app_context():
            engine = db.engines["autocommit"]
        event.listen(engine, "before_cursor_execute", listen)
        listening.append((engine, listen))

    yield before_statement
    for engine, listen in listening:
        event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_purge_between_the_statements_of_a_page_hides_nothing(client, names, purge, before_statement, number):
    names(5)
    # The secret is kept from here on.
    cursor = ask(client, limit=1)[1]
    before_statement(number, purge)
    response = client.get(FEED, query_string={"after": cursor})
    assert response.status_code in (200, 410)
    if response.status_code == 200:
        assert car_names(response.json["events"]) == ["Car1", "Car2", "Car3", "Car4"]


def test_a_table_without_its_row_is_no_failure_of_ours(app, client, names, refused):
    names(1)
    with app.app_context(), db.engine.begin() as connection:
        row = connection.execute(select(CursorState.__table__)).mappings().one()
        connection.execute(delete(CursorState))
    body = refused(client.get(FEED), 503, "database_unavailable")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(CursorState.__table__.insert().values(**row))
    assert "cursor_state" in body["detail"]
