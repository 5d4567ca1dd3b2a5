"""Transactions that commit late: the feed stops before their events until the transactions end.

On SQLite, which allows only one writer at a time, the other writers wait for the late one; the events are the same.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from invsys.inventory.db import session
from invsys.inventory.db.models import Event
from invsys.inventory.errors import DatabaseUnavailable
from tests.support.change_feed import FeedReader
from tests.support.effort import hypothesis_settings
from tests.support.late_writer import LateWriter
from tests.support.serving import until

ends = pytest.mark.parametrize("end", [LateWriter.commit, LateWriter.rollback, LateWriter.vanish])


@pytest.fixture
def cars(register):
    """The ids of five cars."""
    return [UUID(register(f"Car{number}")[-36:]) for number in range(5)]


@pytest.fixture
def reader(client, cars):
    """A feed reader that has already read the registrations of the cars."""
    reader = FeedReader(client)
    reader.new_events()
    return reader


@pytest.fixture
def rename_car(app, engine):
    """Return a function that starts to rename a car, and returns a function that waits until the car is renamed.

    On SQLite, the rename waits for the late writer, so the test must end that writer before it calls this function.
    """

    def patch_name(car):
        assert app.test_client().patch(f"/api/cars/{car}", json={"name": f"New {car}"[:36]}).status_code == 200

    with ThreadPoolExecutor() as pool:

        def rename_car(car):
            renaming = pool.submit(patch_name, car)
            if engine != "sqlite":
                renaming.result()
            return renaming.result

        yield rename_car


@pytest.fixture
def begin(app, rename_car):
    """Return a function that begins a late writer; writers that are still open after the test are rolled back."""
    with ExitStack() as stack:

        def begin():
            late = LateWriter(app)
            stack.callback(late.rollback)
            return late

        yield begin


def vehicles(events):
    return [UUID(event["resource_id"]) for event in events]


# The service sets it to [database] statement_timeout. From here on, the transaction executes nothing more.
IDLE_FOR_A_SECOND = "SET LOCAL idle_in_transaction_session_timeout = '1s'"


class TestVanishedHost:
    """A host that fails without closing its connection, so that the server still sees an open transaction."""

    def test_its_locks_are_released_and_readers_continue(self, engine, client, begin, reader, cars):
        if engine == "sqlite":
            return
        late = begin()
        late.change(cars[0])
        late.execute(IDLE_FOR_A_SECOND)
        assert client.patch(f"/api/cars/{cars[1]}", json={"name": "New"}).status_code == 200
        changed = []
        until(lambda: changed.extend(vehicles(reader.new_events())) or changed)
        assert changed == [cars[1]]
        assert client.patch(f"/api/cars/{cars[0]}", json={"name": "Newer"}).status_code == 200
        late.discard_connection()

    def test_a_host_that_comes_back_gets_an_error_and_continues(self, engine, app, client, cars):
        if engine == "sqlite":
            return
        with app.app_context(), pytest.raises(DatabaseUnavailable):
            self.be_idle_for_too_long()
        assert client.get("/readyz").status_code == 200
        assert client.patch(f"/api/cars/{cars[0]}", json={"name": "Newer"}).status_code == 200

    def be_idle_for_too_long(self):
        with session.transaction() as connection, session.read() as other:
            pid = connection.scalar(select(func.pg_backend_pid()))
            alive = select(func.count()).select_from(text("pg_stat_activity")).where(text(f"pid = {pid}"))
            connection.exec_driver_sql(IDLE_FOR_A_SECOND)
            until(lambda: not other.scalar(alive))
            connection.scalar(select(1))


@ends
def test_events_after_a_change_stay_hidden_until_the_change_is_settled(client, begin, reader, cars, rename_car, end):
    rename_car(cars[0])()
    late = begin()
    late.change(cars[1])
    wait = rename_car(cars[2])
    assert vehicles(reader.new_events()) == [cars[0]]
    assert vehicles(FeedReader(client).new_events()) == [*cars, cars[0]]
    end(late)
    wait()
    expected = [cars[1], cars[2]] if end is LateWriter.commit else [cars[2]]
    assert vehicles(reader.new_events()) == expected
    assert vehicles(FeedReader(client).new_events()) == [*cars, cars[0], *expected]
    rename_car(cars[3])()
    assert vehicles(reader.new_events()) == [cars[3]]


@ends
@pytest.mark.parametrize("followed", [0, 1, 2])
def test_a_filtered_reader_does_not_pass_unsettled_events(client, begin, reader, cars, rename_car, end, followed):
    filtered = FeedReader(client, resource_id=str(cars[followed]))
    filtered.new_events()
    rename_car(cars[0])()
    late = begin()
    late.change(cars[1])
    wait = rename_car(cars[2])
    before = vehicles(filtered.new_events())
    end(late)
    wait()
    changed = [0, 1, 2] if end is LateWriter.commit else [0, 2]
    assert before == ([cars[0]] if followed == 0 else [])
    assert before + vehicles(filtered.new_events()) == [cars[number] for number in changed if number == followed]


@ends
def test_the_end_of_the_feed_is_before_unsettled_events(client, begin, cars, rename_car, end):
    rename_car(cars[0])()
    before = client.get("/api/events?after=now").json["next"]
    late = begin()
    late.change(cars[1])
    wait = rename_car(cars[2])
    responses = [client.get("/api/events", query_string={"after": after}).json for after in ("now", before)]
    assert responses == [{"events": [], "next": before}] * 2
    end(late)
    wait()
    expected = [cars[1], cars[2]] if end is LateWriter.commit else [cars[2]]
    assert vehicles(client.get("/api/events", query_string={"after": before}).json["events"]) == expected


def test_no_event_is_lost_when_the_horizon_moves_back_behind_a_cursor(engine, app, client, cars, rename_car):
    if engine == "sqlite":
        return
    reader = FeedReader(client)
    reader.new_events()
    # Simulates a transaction that read the last drawn number before the reader's request, but announces it only now.
    late = LateWriter(app)
    late.execute("SELECT pg_advisory_xact_lock_shared((17750::bigint << 48) + 1)")
    rename_car(cars[0])()
    assert reader.next_page() == []
    late.commit()
    assert vehicles(reader.new_events()) == [cars[0]]


@ends
def test_the_last_events_of_a_late_writer_are_not_lost(begin, reader, cars, rename_car, end):
    late = begin()
    late.change(cars[0])
    wait = rename_car(cars[1])
    assert reader.new_events() == []
    late.change(cars[2])
    assert reader.new_events() == []
    end(late)
    wait()
    changed = vehicles(reader.new_events())
    assert sorted(changed) == sorted(cars[:3] if end is LateWriter.commit else [cars[1]])


def test_a_long_read_does_not_delay_the_feed(app, reader, cars, rename_car):
    with app.app_context(), session.maintenance() as connection:
        before = connection.execute(select(Event.key)).all()
        rename_car(cars[0])()
        assert vehicles(reader.new_events()) == [cars[0]]
        assert connection.execute(select(Event.key)).all() == before


@ends
def test_a_long_transaction_without_events_does_not_delay_the_feed(engine, begin, reader, cars, rename_car, end):
    if engine == "sqlite":  # an open write blocks all other writers
        return
    late = begin()
    late.execute("INSERT INTO idempotency_keys (client_id, key, fingerprint, events) VALUES ('', 'late', '', '[]')")
    rename_car(cars[0])()
    assert vehicles(reader.new_events()) == [cars[0]]
    late.change(cars[1])
    rename_car(cars[2])()
    assert reader.new_events() == []
    end(late)
    assert vehicles(reader.new_events()) == ([cars[1], cars[2]] if end is LateWriter.commit else [cars[2]])


@ends
def test_a_change_rolled_back_to_a_savepoint_does_not_delay_the_feed(engine, begin, reader, cars, rename_car, end):
    late = begin()
    late.change_and_roll_back(cars[0])
    wait = rename_car(cars[1])
    changed = vehicles(reader.new_events())
    assert changed == ([] if engine == "sqlite" else [cars[1]])
    late.change(cars[2])
    end(late)
    wait()
    changed += vehicles(reader.new_events())
    assert sorted(changed) == sorted(cars[1:3] if end is LateWriter.commit else [cars[1]])


WRITERS, STEPS = range(3), ["change", "change", "change", "change_and_roll_back", "commit", "rollback", "vanish"]
steps = st.lists(st.tuples(st.sampled_from(WRITERS), st.sampled_from(STEPS)), max_size=25)


class Writers:
    """Several late writers, each of which changes its own vehicle."""

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
        """Return the number of committed events that precede all events of open transactions."""
        earliest = min((writer.keys[0] for writer in self._open.values() if writer.keys), default=float("inf"))
        return len([key for key in self._committed if key < earliest])


@hypothesis_settings(10, 30)
@given(steps=steps)
def test_the_feed_contains_exactly_the_settled_events_for_any_order_of_writes_and_ends(
    engine, app, client, cars, steps
):
    frequent, rare, events = FeedReader(client), FeedReader(client), []
    filtered, of_car = FeedReader(client, resource_id=str(cars[1])), []
    assert frequent.new_events() == rare.new_events()
    filtered.new_events()
    with Writers(app, cars) as writers:
        for number, step in steps:
            # On SQLite, a second writer would wait forever for the first.
            writers.do(0 if engine == "sqlite" else number, step)
            events += frequent.new_events()
            of_car += filtered.new_events()
            assert len(events) == writers.settled()
        writers.end()
        events += frequent.new_events()
        assert len(events) == writers.settled()
    assert events == rare.new_events()
    of_car += filtered.new_events()
    assert of_car == [event for event in events if event["resource_id"] == str(cars[1])]
