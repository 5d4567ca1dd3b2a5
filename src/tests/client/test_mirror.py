"""``mirror``: after an interruption at any point, the next call brings the tables to the state of the service."""

import asyncio
import itertools
import shutil
import sqlite3
from contextlib import closing

import httpx2
import psycopg
import pytest

from invsys_client import Allocation, AsyncClient, Batch, CursorExpired, Resource, SqlMirror, UnexpectedResponse
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.blocking_client import AsyncTransport
from tests.support.faults import forward, respond
from tests.support.tables import table_driven

TYPES = {"lorries": "Lorry"}


class Killed(BaseException):
    """The process of the mirror ends."""


class Countdown:
    """Raises Killed at the step with a number, from 0; a request or a statement is a step."""

    def __init__(self, number):
        self._number = number

    def step(self):
        self._number -= 1
        if self._number < 0:
            raise Killed


class KillableConnection:
    """A connection of sqlite3 whose statements and commits are steps."""

    def __init__(self, connection, countdown):
        self._connection, self._countdown = connection, countdown

    def __getattr__(self, name):
        self._countdown.step()
        return getattr(self._connection, name)


def mirror_until(connect, path, countdown, page_size=5):
    """Run ``mirror`` in a process that ends at a step, without closing anything; return whether it was completed."""

    def count(service, request):
        countdown.step()
        return forward(service, request)

    client, _ = connect(*[count] * 100)
    with closing(sqlite3.connect(path)) as connection:
        try:
            client.mirror(SqlMirror(KillableConnection(connection, countdown)), TYPES, page_size=page_size)
        except Killed:
            return False
        return True


def state_of(lorries):
    return {
        *((vehicle.id, vehicle.version) for vehicle in lorries.resources()),
        *((allocation.id, allocation.version, allocation.resource_id) for allocation in lorries.allocations()),
    }


def state_of_mirror(path):
    with closing(sqlite3.connect(path)) as connection:
        vehicles = connection.execute("SELECT id, version FROM invsys_resources").fetchall()
        return {*vehicles, *connection.execute("SELECT id, version, resource_id FROM invsys_allocations")}


def change_everything(lorries):
    lorry, spare, *_ = [lorries.register(name) for name in ("A", "B", "C")]
    first = lorries.allocate(lorry.id, MONDAY, TUESDAY)
    hold = lorries.allocate(lorry.id, TUESDAY, FRIDAY, hold_seconds=900)
    lorries.confirm(hold.id)
    lorries.move(first.id, spare.id)
    gone = lorries.allocate(lorry.id, FRIDAY, None)
    lorries.deallocate(gone.id)
    lorries.decommission(lorries.register("D").id)
    lorries.close(spare.id, FRIDAY)


def test_a_copy_that_is_interrupted_anywhere_is_completed_by_the_next_call(connect, invsys, tmp_path):
    lorries = invsys.collection("lorries")
    change_everything(lorries)
    invsys.collection("cars").register("Car1")
    for number in itertools.count():
        path = tmp_path / f"{number}.sqlite3"
        is_complete = mirror_until(connect, path, Countdown(number))
        lorries.update(next(lorries.allocations()).id, reference=f"PO {number}")
        assert mirror_until(connect, path, Countdown(1000))
        assert state_of_mirror(path) == state_of(lorries)
        if is_complete:
            break
    assert number > 20


def test_following_the_feed_is_continued_after_an_interruption_anywhere(connect, lorries, tmp_path):
    before = tmp_path / "before.sqlite3"
    lorries.register("Lorry1")
    assert mirror_until(connect, before, Countdown(1000))
    change_everything(lorries)
    for number in itertools.count():
        path = tmp_path / f"{number}.sqlite3"
        shutil.copy(before, path)
        is_complete = mirror_until(connect, path, Countdown(number))
        assert mirror_until(connect, path, Countdown(1000))
        assert state_of_mirror(path) == state_of(lorries)
        if is_complete:
            break
    assert number > 20


def test_changes_while_the_lists_are_read_are_not_lost(connect, lorries, lorry, booking, tmp_path):
    def change(service, request):
        response = forward(service, request)
        if request.url.path.endswith("/allocations"):
            lorries.deallocate(booking.id)
            lorries.register("Lorry2")
        return response

    client, _ = connect(*[change] * 4)
    with closing(sqlite3.connect(tmp_path / "m.sqlite3")) as connection:
        client.mirror(SqlMirror(connection), TYPES)
    assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries)


def test_an_expired_cursor_leads_to_a_new_copy(connect, lorries, lorry, tmp_path):
    gone = '{"code": "cursor_expired", "status": 410, "title": "Gone", "detail": "d"}'
    expired = respond(410, gone, Content_Type="application/problem+json")
    with closing(sqlite3.connect(tmp_path / "m.sqlite3")) as connection:
        store = SqlMirror(connection)
        connect()[0].mirror(store, TYPES)
        store.write(Batch(deleted=(lorry.id,), cursor=store.cursor()))
        assert connect(expired)[0].mirror(store, TYPES) == 1
        with pytest.raises(CursorExpired):
            connect(expired)[0].event_page("outdated")
    assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries)


def test_the_cursor_of_another_database_leads_to_a_new_copy(connect, lorries, lorry, tmp_path):
    client, _ = connect()
    with closing(sqlite3.connect(tmp_path / "m.sqlite3")) as connection:
        store = SqlMirror(connection)
        client.mirror(store, TYPES)
        for cursor in (store.cursor() + "A", "of the client 1.0", ""):
            store.write(Batch(deleted=(lorry.id,), cursor=cursor))
            assert client.mirror(store, TYPES) == 1
            assert client.mirror(store, TYPES) == 0
    assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries)


def test_a_changed_mapping_leads_to_a_new_copy(invsys, lorries, lorry, booking, tmp_path):
    cars = invsys.collection("cars")
    cars.register("Car1")
    both = {**TYPES, "cars": "Car"}
    with closing(sqlite3.connect(tmp_path / "m.sqlite3")) as connection:
        store = SqlMirror(connection)
        assert invsys.mirror(store, TYPES) == 2
        assert invsys.mirror(store, both) == 3
        cars.register("Car2")
        assert invsys.mirror(store, dict(reversed(both.items()))) == 1
        assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries) | state_of(cars)
        assert invsys.mirror(store, TYPES) == 2
    assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries)


def test_a_wrong_type_is_refused_and_the_copy_stays(invsys, lorries, lorry, tmp_path):
    with closing(sqlite3.connect(tmp_path / "m.sqlite3")) as connection:
        store = SqlMirror(connection)
        invsys.mirror(store, TYPES)
        for wrong in ("Car", "lorry"):
            with pytest.raises(ValueError, match=rf"^resource_types\['lorries'\]: the type is 'Lorry', not '{wrong}'"):
                invsys.mirror(store, {"lorries": wrong})
        assert not connection.in_transaction
        assert invsys.mirror(store, TYPES) == 0
    assert state_of_mirror(tmp_path / "m.sqlite3") == state_of(lorries)


@pytest.mark.parametrize("number", range(2, 5))
def test_a_failed_run_leaves_no_open_transaction(connect, lorry, booking, number):
    client, _ = connect(*[forward] * number, *[respond(404)] * 9)
    with closing(sqlite3.connect(":memory:")) as connection:
        store = SqlMirror(connection)
        with pytest.raises(UnexpectedResponse):
            client.mirror(store, TYPES, page_size=1)
        assert not connection.in_transaction
        assert store.cursor() is None


class Memory:
    """A store of an asynchronous application."""

    def __init__(self):
        self.records, self.position, self.rollbacks = {}, None, 0

    async def cursor(self):
        return self.position

    async def write(self, batch):
        if batch.clear:
            self.records.clear()
        for key in batch.deleted:
            self.records.pop(key, None)
        self.records |= {record.id: record for record in batch.stored}
        self.position = batch.cursor

    async def rollback(self):
        self.rollbacks += 1


def test_an_asynchronous_client_awaits_its_store(app, lorries, lorry, booking):
    store = Memory()

    async def mirror():
        transport = AsyncTransport(httpx2.WSGITransport(app=app))
        async with AsyncClient("http://inventory", transport=transport) as client:
            return await client.mirror(store, TYPES)

    assert asyncio.run(mirror()) == 2
    assert store.records == {lorry.id: lorry, booking.id: booking}
    lorries.deallocate(booking.id)
    assert asyncio.run(mirror()) == 1
    assert store.records == {lorry.id: lorry}
    assert asyncio.run(mirror()) == 0
    assert store.rollbacks == 0


@pytest.mark.parametrize("failing", ["cursor", "write"])
def test_an_asynchronous_client_awaits_the_rollback_of_its_store(app, failing):
    class Failing(Memory):
        """A store whose database fails."""

    async def fail(*_):
        raise StopAsyncIteration

    setattr(Failing, failing, fail)
    store = Failing()

    async def mirror():
        transport = AsyncTransport(httpx2.WSGITransport(app=app))
        async with AsyncClient("http://inventory", transport=transport) as client:
            await client.mirror(store, TYPES)

    with pytest.raises(StopAsyncIteration):
        asyncio.run(mirror())
    assert store.rollbacks == 1


def test_the_tables_have_all_fields(lorries, lorry, tmp_path):
    booking = lorries.allocate(lorry.id, None, FRIDAY, reference="PO 1", dump={"a": [1]}, hold_seconds=60)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        SqlMirror(connection).write(Batch((lorry, booking), cursor="c"))
        vehicle = dict(connection.execute("SELECT * FROM invsys_resources").fetchone())
        allocation = dict(connection.execute("SELECT * FROM invsys_allocations").fetchone())
    assert set(vehicle) == {field for field in Resource.__slots__ if field not in ("created", "replayed")}
    renamed = {"start_time": "start", "end_time": "end"}
    assert {renamed.get(name, name) for name in allocation} == {
        field for field in Allocation.__slots__ if field not in ("created", "replayed", "server_offset", "client_id")
    }
    assert (allocation["start_time"], allocation["end_time"]) == (None, "2099-03-06T08:00:00Z")
    assert (allocation["reference"], allocation["dump"]) == ("PO 1", '{"a": [1]}')


def test_the_tables_can_be_in_postgresql(request, invsys, lorries, lorry, booking):
    if request.config.getoption("--sqlite-only"):
        pytest.skip("needs PostgreSQL")
    url = request.getfixturevalue("postgresql").url()
    with psycopg.connect(url) as connection:
        store = SqlMirror(connection, "%s")
        assert invsys.mirror(store, TYPES) == 2
        lorries.deallocate(booking.id)
        assert invsys.mirror(store, TYPES) == 1
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id, version FROM invsys_resources").fetchall() == [(lorry.id, 1)]
        assert connection.execute("SELECT count(*) FROM invsys_allocations").fetchone() == (0,)
        assert SqlMirror(connection, "%s").cursor() is not None


class NumberedCursor:
    """A store whose cursors are numbers."""

    def cursor(self):
        return 5

    def write(self, batch):
        raise AssertionError


INVALID_TYPES = [
    *({}, ["lorries"], "lorries", None, [("lorries", "Lorry")]),
    *({5: "Lorry"}, {"": "Lorry"}, {"..": "Lorry"}, {"lorries": None}, {"lorries": 5}, {"lorries": ""}),
    *({"lorries": "a" * 37}, {"lorries": "a\nb"}),
]


@table_driven("resource_types", INVALID_TYPES)
def test_mirror_names_an_invalid_argument(connect, resource_types):
    client, transport = connect()
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises((TypeError, ValueError), match=r"^resource_types(\['lorries'\])?: "),
    ):
        client.mirror(SqlMirror(connection), resource_types)
    assert transport.requests == []


@table_driven("store", [None, object(), "m.sqlite3", NumberedCursor()])
def test_mirror_names_an_invalid_store(connect, store):
    client, transport = connect()
    with pytest.raises(TypeError, match=r"^store: "):
        client.mirror(store, TYPES)
    assert transport.requests == []
