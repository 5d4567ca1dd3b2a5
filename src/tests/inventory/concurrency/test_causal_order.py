"""Readers beside writers who take one another's periods as soon as they are free: nobody is ever told of two there.

What took a period comes after whatever freed it: a removal, a move, a change, a hold that expired.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from sqlalchemy.exc import OperationalError

from tests.support.change_feed import FeedReader
from tests.support.instants import let_holds_expire, period_fields
from tests.support.replay import ReplayedFeed

pytestmark = pytest.mark.usefixtures("strict_reader")

WRITERS, ROUNDS = 6, 24
ALL = "/api/cars/all/allocations"

_clock = Lock()


@pytest.fixture
def environ(environ):
    """Nobody is sent away because others take their time."""
    return environ | {"INVSYS_DATABASE_STATEMENT_TIMEOUT": "60"}


@pytest.fixture
def cars(register):
    """The URLs of two cars, for more writers than that."""
    return [register(f"Car{number}") for number in range(2)]


class Writer:
    """Takes the same two hours of one car or the other again and again, and frees them in one way or another."""

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
        made = response.json if isinstance(response.json, list) else [response.json]
        return [f"{ALL}/{one['id']}" for one in made] if response.status_code == 201 else []

    def free(self, taken):
        for url in taken:
            assert self.client.delete(url).status_code == 204

    def take_and_free(self, here, there):
        self.free(self.take(here))

    def move_away(self, here, there):
        taken = self.take(here)
        for url in taken:
            assert self.client.patch(url, json={"resource_id": there[-36:]}).status_code in (200, 409)
        self.free(taken)

    def make_room(self, here, there):
        taken = self.take(here)
        for url in taken:
            assert self.client.patch(url, json=period_fields(14, 15)).status_code in (200, 409)
        self.free(taken)

    def take_both(self, here, there):
        self.free(self._order("/api/cars/any/allocations", quantity=2))

    def let_expire(self, here, there):
        if self.take(here, hold_seconds=3600):
            # One at a time: two that move time for the same holds could wait for each other, as this one can with an
            # order that meets them.
            with _clock:
                while not self._hours_pass():
                    pass

    def _hours_pass(self):
        try:
            let_holds_expire(self.app)
        except OperationalError:
            return False
        return True


def read(app, writers, limit):
    """Follow the feed until every writer has finished; return the reader and its events."""
    reader, events = FeedReader(app.test_client(), limit), []
    while not all(writer.done() for writer in writers):
        events += reader.next_page()
    return reader, events


def test_no_reader_ever_knows_of_two_at_one_instant(app, client, cars):
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        writers = [pool.submit(Writer(app, cars).work, number) for number in range(WRITERS)]
        readers = [pool.submit(read, app, writers, limit) for limit in (3, 1000)]
    assert [writer.result() for writer in writers] == [None] * WRITERS
    everything = FeedReader(client).new_events()
    for reading in readers:
        # Only now: a reader that meets another one leaves the events of expired holds to a later poll.
        reader, events = reading.result()
        assert events + reader.new_events() == everything
    replayed = ReplayedFeed()
    replayed.apply(everything)
    assert {kind for kinds in replayed.kinds.values() for kind in kinds} >= {"allocated", "deallocated", "expired"}
