"""Cursors of the change feed: they expire (410) unless their event is stored or was the last one purged."""

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
from tests.support.tables import table_driven

FEED = "/api/events"
DAY = 86400


def get_page(client, **query):
    response = client.get(FEED, query_string=query)
    assert response.status_code == 200, response.text
    return response.json["events"], response.json["next"]


@pytest.fixture
def register_cars(register):
    """Return a function that registers some cars and returns their names."""
    count = 0

    def register_cars(number):
        nonlocal count
        names = [f"Car{count + index}" for index in range(number)]
        count += number
        for name in names:
            register(name)
        return names

    return register_cars


def car_names(events):
    return [event["data"]["name"] for event in events]


@pytest.fixture
def expired(client, refused):
    """Return a function that checks that a request with a cursor gets 410."""

    def expired(cursor):
        body = refused(client.get(FEED, query_string={"after": cursor}), 410, "cursor_expired")
        assert "after=now" in body["detail"]

    return expired


@pytest.fixture
def purge(app):
    """Return a function that purges all events except the newest, and returns the number of purged events."""

    def purge():
        with app.app_context():
            with db.engine.begin() as connection:
                for key, at in connection.execute(select(Event.key, Event.at)).all():
                    connection.execute(update(Event).where(Event.key == key).values(at=at - timedelta(days=2)))
            return maintenance_purge.purge(DAY, 1).events

    return purge


@pytest.fixture
def lose_events(app, engine):
    """Return a function that deletes the last events, so that their numbers are reused, as after a restore."""

    def lose_events(count):
        with app.app_context(), db.engine.begin() as connection:
            last = connection.scalar(select(func.max(Event.key))) - count
            connection.execute(delete(Event).where(Event.key > last))
            if engine == "postgresql":
                connection.execute(text("SELECT setval('events_key_seq', :last)"), {"last": last})

    return lose_events


@pytest.fixture
def key_of(app):
    """Return a function that returns the event key that a cursor contains."""

    def key_of(cursor):
        with app.app_context():
            return cursors.read(cursors.EVENTS, FeedCursor().deserialize(cursor))[0]

    return key_of


@pytest.fixture
def last_key(app):
    """Return a function that returns the key of the last stored event."""

    def last_key():
        with app.app_context(), session.read() as connection:
            return connection.scalar(select(func.max(Event.key)))

    return last_key


def test_a_cursor_from_before_a_restore_expires_even_if_its_number_is_reused(
    client, register_cars, lose_events, expired
):
    register_cars(3)
    before = get_page(client)[1]
    lost = [get_page(client, after=before)[1] for _ in register_cars(3)]
    register_cars(1)
    lost = [get_page(client, limit=limit)[1] for limit in (4, 5, 6, 7)]
    lose_events(4)
    for cursor in lost:
        expired(cursor)
    new_names = register_cars(5)
    for cursor in lost:
        expired(cursor)
    assert car_names(get_page(client, after=before)[0]) == new_names


def test_a_cursor_before_the_purged_events_expires_and_one_at_their_end_is_valid(client, register_cars, purge, expired):
    register_cars(4)
    first, second, third, fourth = (get_page(client, limit=limit)[1] for limit in (1, 2, 3, 4))
    assert purge() == 3
    expired(first)
    expired(second)
    new = register_cars(1)
    assert car_names(get_page(client, after=third)[0]) == ["Car3", *new]
    assert car_names(get_page(client, after=fourth)[0]) == new
    assert car_names(get_page(client)[0]) == ["Car3", *new]
    assert purge() == 1
    expired(third)
    assert car_names(get_page(client, after=fourth)[0]) == new


def test_the_start_of_an_empty_feed_is_valid_until_a_purge(client, register_cars, purge, expired):
    start = get_page(client)[1]
    assert get_page(client, after="now") == ([], start)
    assert get_page(client, after=start) == ([], start)
    register_cars(2)
    assert car_names(get_page(client, after=start)[0]) == ["Car0", "Car1"]
    assert purge() == 1
    expired(start)


def test_now_is_the_end_of_the_feed(client, register_cars):
    register_cars(3)
    events, now = get_page(client, after="now", limit=2)
    assert (events, now) == ([], get_page(client)[1])
    assert get_page(client, after=now) == ([], now)
    assert car_names(get_page(client, after=now)[0]) == []
    new = register_cars(2)
    assert car_names(get_page(client, after=now)[0]) == new


@pytest.mark.one_engine
@table_driven("after", ["Now", "now ", "NOW"])
def test_now_is_case_sensitive(client, refused, after):
    refused(client.get(FEED, query_string={"after": after}), 422, "invalid_fields", "after")


def test_now_after_a_purge_is_the_retained_event(client, register_cars, purge, key_of, last_key):
    register_cars(3)
    purge()
    assert key_of(get_page(client, after="now")[1]) == last_key()


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_next_always_names_a_stored_event(engine, app, client, register_cars, key_of, last_key, limit):
    register_cars(2)
    if engine == "postgresql":
        late = LateWriter(app)
        late.execute("SELECT next_event_key()")
        late.rollback()
    reader = FeedReader(client, limit)
    reader.new_events()
    assert key_of(get_page(client, after="now")[1]) == last_key()
    cursor = get_page(client, after="now")[1]
    assert key_of(get_page(client, after=cursor, limit=limit)[1]) == last_key()


@pytest.mark.parametrize("cursor", ["WzFd", "WzEyMzRd", "WzBd"])
def test_a_cursor_of_the_form_before_migration_0004_has_expired(client, register_cars, expired, cursor):
    register_cars(1)
    expired(cursor)


def test_a_cursor_of_another_database_has_expired(client, register_cars, expired):
    register_cars(1)
    expired(cursors.encrypt(AESSIV(bytes(64)), cursors.EVENTS, 1, 1))


@pytest.fixture
def before_statement(app):
    """Return a function that has ``act`` called once, before the read-only statement ``number`` (counted from 0)."""
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
def test_a_purge_between_the_statements_of_a_page_hides_no_event(
    client, register_cars, purge, before_statement, number
):
    register_cars(5)
    # This request caches the secret, so that the next request executes only the statements of the page.
    cursor = get_page(client, limit=1)[1]
    before_statement(number, purge)
    response = client.get(FEED, query_string={"after": cursor})
    assert response.status_code in (200, 410)
    if response.status_code == 200:
        assert car_names(response.json["events"]) == ["Car1", "Car2", "Car3", "Car4"]


def test_a_missing_cursor_state_causes_503(app, client, register_cars, refused):
    register_cars(1)
    with app.app_context(), db.engine.begin() as connection:
        row = connection.execute(select(CursorState.__table__)).mappings().one()
        connection.execute(delete(CursorState))
    body = refused(client.get(FEED), 503, "database_unavailable")
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(CursorState.__table__.insert().values(**row))
    assert "cursor_state" in body["detail"]
