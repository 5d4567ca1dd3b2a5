"""Transactions that commit late: the feed stops before what they have written, at nothing else, and misses nothing.

SQLite has one writer at a time: there the others wait for the late one, and what is told is the same.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from invsys.inventory.db import session
from invsys.inventory.db.models import Event
from invsys.inventory.errors import DatabaseUnavailable
from tests.support.change_feed import FeedReader
from tests.support.late_writer import LateWriter
from tests.support.serving import until

ends = pytest.mark.parametrize("end", [LateWriter.commit, LateWriter.rollback, LateWriter.vanish])


@pytest.fixture
def environ(environ):
    """Whoever waits for a late writer does so for as long as the test takes."""
    return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "60"}


@pytest.fixture
def cars(register):
    """The ids of five cars."""
    return [UUID(register(f"Car{number}")[-36:]) for number in range(5)]


@pytest.fixture
def reader(client, cars):
    """A reader who knows of the cars."""
    reader = FeedReader(client)
    reader.new_events()
    return reader


@pytest.fixture
def meanwhile(app, engine):
    """Rename a car while a writer is late; gives what waits until it is done."""

    def rename(car):
        assert app.test_client().patch(f"/api/cars/{car}", json={"name": f"New {car}"[:36]}).status_code == 200

    with ThreadPoolExecutor() as pool:

        def meanwhile(car):
            done = pool.submit(rename, car)
            if engine != "sqlite":
                done.result()
            return done.result

        yield meanwhile


@pytest.fixture
def begin(app, meanwhile):
    """Begin a late writer."""
    with ExitStack() as opened:

        def begin():
            late = LateWriter(app)
            opened.callback(late.rollback)
            return late

        yield begin


def vehicles(events):
    return [UUID(event["resource_id"]) for event in events]


class TestOfAHostThatVanished:
    """Its transaction is open, its connection too, and nothing more is heard of it."""

    @pytest.fixture
    def environ(self, environ):
        return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "1"}

    def test_its_locks_are_taken_back_and_readers_go_on(self, engine, client, begin, reader, cars):
        if engine == "sqlite":
            return
        late = begin()
        late.change(cars[0])
        assert client.patch(f"/api/cars/{cars[1]}", json={"name": "New"}).status_code == 200
        told = []
        until(lambda: told.extend(vehicles(reader.new_events())) or told)
        assert told == [cars[1]]
        assert client.patch(f"/api/cars/{cars[0]}", json={"name": "Newer"}).status_code == 200
        late.discard_connection()

    def test_if_it_comes_back_it_is_told_and_goes_on(self, engine, app, client, cars):
        if engine == "sqlite":
            return
        with app.app_context(), pytest.raises(DatabaseUnavailable):
            self.be_idle_for_too_long()
        # For a second nobody is made to wait for a database that took so long.
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.patch(f"/api/cars/{cars[0]}", json={"name": "Newer"}).status_code == 200

    def be_idle_for_too_long(self):
        with session.transaction() as connection, session.read() as other:
            pid = connection.scalar(select(func.pg_backend_pid()))
            alive = select(func.count()).select_from(text("pg_stat_activity")).where(text(f"pid = {pid}"))
            until(lambda: not other.scalar(alive))
            connection.scalar(select(1))


@ends
def test_nobody_is_told_of_what_follows_a_change_before_it_is_settled(client, begin, reader, cars, meanwhile, end):
    meanwhile(cars[0])()
    late = begin()
    late.change(cars[1])
    wait = meanwhile(cars[2])
    assert vehicles(reader.new_events()) == [cars[0]]
    assert vehicles(FeedReader(client).new_events()) == [*cars, cars[0]]
    end(late)
    wait()
    expected = [cars[1], cars[2]] if end is LateWriter.commit else [cars[2]]
    assert vehicles(reader.new_events()) == expected
    assert vehicles(FeedReader(client).new_events()) == [*cars, cars[0], *expected]
    meanwhile(cars[3])()
    assert vehicles(reader.new_events()) == [cars[3]]


@ends
def test_the_end_of_the_feed_is_before_what_is_not_settled(client, begin, cars, meanwhile, end):
    meanwhile(cars[0])()
    before = client.get("/api/events?after=now").json["next"]
    late = begin()
    late.change(cars[1])
    wait = meanwhile(cars[2])
    responses = [client.get("/api/events", query_string={"after": after}).json for after in ("now", before)]
    assert responses == [{"events": [], "next": before}] * 2
    end(late)
    wait()
    expected = [cars[1], cars[2]] if end is LateWriter.commit else [cars[2]]
    assert vehicles(client.get("/api/events", query_string={"after": before}).json["events"]) == expected


def test_a_horizon_that_goes_back_behind_a_cursor_is_no_loss(engine, app, client, cars, meanwhile):
    if engine == "sqlite":
        return
    reader = FeedReader(client)
    reader.new_events()
    # A transaction that has read the last number drawn before the reader came, and announces it only now.
    late = LateWriter(app)
    late.execute("SELECT pg_advisory_xact_lock_shared((17750::bigint << 48) + 1)")
    meanwhile(cars[0])()
    assert reader.next_page() == []
    late.commit()
    assert vehicles(reader.new_events()) == [cars[0]]


@ends
def test_what_a_late_writer_writes_last_is_told_too(begin, reader, cars, meanwhile, end):
    late = begin()
    late.change(cars[0])
    wait = meanwhile(cars[1])
    assert reader.new_events() == []
    late.change(cars[2])
    assert reader.new_events() == []
    end(late)
    wait()
    told = vehicles(reader.new_events())
    assert sorted(told) == sorted(cars[:3] if end is LateWriter.commit else [cars[1]])


def test_whoever_only_reads_for_long_holds_nothing_up(app, reader, cars, meanwhile):
    with app.app_context(), session.maintenance() as connection:
        before = connection.execute(select(Event.key)).all()
        meanwhile(cars[0])()
        assert vehicles(reader.new_events()) == [cars[0]]
        assert connection.execute(select(Event.key)).all() == before


@ends
def test_whoever_writes_no_event_for_long_holds_nothing_up(engine, begin, reader, cars, meanwhile, end):
    if engine == "sqlite":  # whoever writes at all holds every other writer up
        return
    late = begin()
    late.execute("INSERT INTO idempotency_keys (client_id, key, fingerprint, events) VALUES ('', 'late', '', '[]')")
    meanwhile(cars[0])()
    assert vehicles(reader.new_events()) == [cars[0]]
    late.change(cars[1])
    meanwhile(cars[2])()
    assert reader.new_events() == []
    end(late)
    assert vehicles(reader.new_events()) == ([cars[1], cars[2]] if end is LateWriter.commit else [cars[2]])


@ends
def test_a_change_that_was_taken_back_holds_nothing_up(engine, begin, reader, cars, meanwhile, end):
    late = begin()
    late.change_and_roll_back(cars[0])
    wait = meanwhile(cars[1])
    told = vehicles(reader.new_events())
    assert told == ([] if engine == "sqlite" else [cars[1]])
    late.change(cars[2])
    end(late)
    wait()
    told += vehicles(reader.new_events())
    assert sorted(told) == sorted(cars[1:3] if end is LateWriter.commit else [cars[1]])


WRITERS, STEPS = range(3), ["change", "change", "change", "change_and_roll_back", "commit", "rollback", "vanish"]
steps = st.lists(st.tuples(st.sampled_from(WRITERS), st.sampled_from(STEPS)), max_size=25)
thorough = settings(
    max_examples=30, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Writers:
    """Several late writers, each with a vehicle of its own, and the keys of the events that are committed."""

    def __init__(self, app, cars):
        self._app, self._cars = app, cars
        self._open, self._committed = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for writer in self._open.values():
            writer.rollback()

    def do(self, number, step):
        if step.startswith("change"):
            if number not in self._open:
                self._open[number] = LateWriter(self._app)
            getattr(self._open[number], step)(self._cars[number])
        elif number in self._open:
            writer = self._open.pop(number)
            getattr(writer, step)()
            self._committed += writer.keys if step == "commit" else []

    def end(self):
        for number in list(self._open):
            self.do(number, "commit")

    def settled(self):
        """Count the events before which nothing can come any more."""
        earliest = min((writer.keys[0] for writer in self._open.values() if writer.keys), default=float("inf"))
        return len([key for key in self._committed if key < earliest])


@thorough
@given(steps=steps)
def test_in_whatever_order_they_write_and_end_all_that_is_settled_is_told_and_only_that(
    engine, app, client, cars, steps
):
    often, rarely, told = FeedReader(client), FeedReader(client), []
    assert often.new_events() == rarely.new_events()
    with Writers(app, cars) as writers:
        for number, step in steps:
            # SQLite would have the second wait for ever for the first.
            writers.do(0 if engine == "sqlite" else number, step)
            told += often.new_events()
            assert len(told) == writers.settled()
        writers.end()
        told += often.new_events()
        assert len(told) == writers.settled()
    assert told == rarely.new_events()
