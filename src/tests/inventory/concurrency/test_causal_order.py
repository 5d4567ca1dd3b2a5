"""The order of events during concurrent writes: no reader ever sees two overlapping allocations of a vehicle.

When a period becomes free (by a deletion, move, change or expiry) and is allocated again, its events are in that order.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from invsys.inventory.db.models import ContinuousResourceAllocation, db
from tests.support.change_feed import FeedReader
from tests.support.effort import rounds
from tests.support.hours_in_2099 import let_holds_expire, period_fields
from tests.support.replay import ReplayedFeed
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("feed_checker")

WRITERS, ROUNDS = 6, rounds(8, 24)
ALL = "/api/cars/all/allocations"

_clock = Lock()


@pytest.fixture
def cars(register):
    """The URLs of two cars, for which more than two writers compete."""
    return [register(f"Car{number}") for number in range(2)]


class Writer:
    """A client that repeatedly allocates the cars for the same two hours, and frees them in different ways."""

    def __init__(self, app, cars):
        self.app, self.cars = app, cars
        self.client = app.test_client()
        self.turns = [self.take_and_free, self.move_away, self.make_room, self.take_both, self.let_expire]

    def work(self, number):
        for turn in range(number, number + ROUNDS):
            self.turns[turn % len(self.turns)](self.cars[turn % 2], self.cars[(turn + 1) % 2])

    def take(self, car, **fields):
        return self._order(f"{car}/allocations", **fields)

    def _order(self, path, **fields):
        response = self.client.post(path, json=period_fields(10, 12) | fields)
        assert response.status_code in (201, 409), response.text
        rows = response.json if isinstance(response.json, list) else [response.json]
        return [f"{ALL}/{row['id']}" for row in rows] if response.status_code == 201 else []

    def free(self, urls):
        for url in urls:
            assert self.client.delete(url).status_code == 204

    def take_and_free(self, here, there):
        self.free(self.take(here))

    def move_away(self, here, there):
        urls = self.take(here)
        for url in urls:
            assert self.client.patch(url, json={"resource_id": there[-36:]}).status_code in (200, 409)
        self.free(urls)

    def make_room(self, here, there):
        urls = self.take(here)
        for url in urls:
            assert self.client.patch(url, json=period_fields(14, 15)).status_code in (200, 409)
        self.free(urls)

    def take_both(self, here, there):
        self.free(self._order("/api/cars/any/allocations", quantity=2))

    def let_expire(self, here, there):
        if self.take(here, hold_seconds=3600):
            # Only one thread at a time, because two threads that update the same holds could deadlock. A thread can
            # still deadlock with a request, and then tries again.
            with _clock:
                while not self._could_expire_holds():
                    pass

    def _could_expire_holds(self):
        try:
            let_holds_expire(self.app)
        except OperationalError:
            return False
        return True


def read(app, writers, limit):
    """Follow the feed until every writer has finished; return the reader and the events that it has read."""
    reader, events = FeedReader(app.test_client(), limit), []
    while not all(writer.done() for writer in writers):
        events += reader.next_page()
    return reader, events


def read_to_the_end(app, client):
    """Return all events, after those of all expired holds have been written; a busy database delays them."""
    reader, events = FeedReader(client), []

    def has_read_everything():
        events.extend(reader.new_events())
        with app.app_context(), db.engine.connect() as connection:
            return not connection.scalar(select(func.count(ContinuousResourceAllocation.expires)))

    until(has_read_everything)
    return events + reader.new_events()


def test_no_reader_ever_sees_two_overlapping_allocations(app, client, cars):
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        writers = [pool.submit(Writer(app, cars).work, number) for number in range(WRITERS)]
        readers = [pool.submit(read, app, writers, limit) for limit in (3, 1000)]
    assert [writer.result() for writer in writers] == [None] * WRITERS
    everything = read_to_the_end(app, client)
    for reading in readers:
        # Let each reader poll once more: another reader's poll may have written the last events of expired holds.
        reader, events = reading.result()
        assert events + reader.new_events() == everything
    replayed = ReplayedFeed()
    replayed.apply(everything)
    replayed.require_no_overlaps()
    assert {kind for kinds in replayed.kinds.values() for kind in kinds} >= {"allocated", "deallocated", "expired"}
