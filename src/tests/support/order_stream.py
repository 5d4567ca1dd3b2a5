"""A stream of orders by the booking monolith: threads with the client of ``invsys.client``, which asks again by itself.

Whatever is killed meanwhile, whoever asks again under the same key gets one allocation for it.
"""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from invsys.client import Client
from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResourceAllocation, Event, IdempotencyKey
from invsys.inventory.maintenance import integrity_check
from tests.support.waiting import until

CALLERS = 4
# How many cars all callers may want for one hour.
CARS = 2 * CALLERS
# How many orders are answered before something is killed, and how many more at most until it is replaced: the callers
# are in full swing when it dies, but not all the while that the next one takes to start beside them.
BEFORE, AFTER = 20, 200
MONDAY, HOUR = datetime(2099, 3, 2, tzinfo=UTC), timedelta(hours=1)


class Callers:
    """Threads that order, each under keys of its own, until told to stop; ``answered`` has for each key what it got."""

    def __init__(self, port, cars):
        self.answered = {}
        self._url, self._cars, self._stop = f"http://127.0.0.1:{port}", cars, threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._may_go_on, self._enough = threading.Condition(), 0

    def __enter__(self):
        self._threads = [self._pool.submit(self._call, number) for number in range(CALLERS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._let_go()
        for thread in self._threads:
            thread.result()
        self._pool.shutdown()

    def go_on(self):
        """Wait until many more orders were answered."""
        enough = len(self.answered) + BEFORE
        self._enough = enough + AFTER
        self._let_go()
        until(lambda: len(self.answered) >= enough or any(thread.done() for thread in self._threads))

    def _let_go(self):
        with self._may_go_on:
            self._may_go_on.notify_all()

    def _is_on(self):
        return self._stop.is_set() or len(self.answered) < self._enough

    def _call(self, number):
        with Client(self._url, attempts=100, give_up_after=60) as client:
            cars, turn = client.collection("cars"), 0
            while not self._stop.is_set():
                self.answered[_key(number, turn)] = self._order(cars, number, turn)
                turn += 1
                with self._may_go_on:
                    self._may_go_on.wait_for(self._is_on)

    def repeat(self, keys, client):
        """Give orders once more; gives for each key what it is answered with."""
        cars = client.collection("cars")
        return {key: self._order(cars, *map(int, key.split("-"))) for key in keys}

    def _order(self, cars, number, turn):
        start, key = MONDAY + turn * HOUR, _key(number, turn)
        order = {"key": key, "dump": {"key": key}}
        if turn % 3 == 0:
            made = [cars.allocate(self._cars[number], start, start + HOUR, **order)]
        elif turn % 3 == 1:
            made = [cars.allocate_any(start, start + HOUR, **order)]
        else:
            made = cars.allocate_several(2, start, start + HOUR, **order)
        return sorted(one.id for one in made)


def _key(number, turn):
    return f"{number}-{turn}"


def done(app):
    """Give for each key the allocations that were made under it; what the database has beside it agrees with that."""
    allocation = ContinuousResourceAllocation
    with app.app_context(), session.read() as connection:
        made = connection.execute(select(allocation.id, allocation.dump)).all()
        events = connection.execute(select(Event.key, Event.kind, Event.allocation_id)).all()
        keys = connection.execute(select(IdempotencyKey.key, IdempotencyKey.events)).all()
    by_key = defaultdict(list)
    for one in made:
        by_key[one.dump["key"]].append(str(one.id))
    found = {key: sorted(ids) for key, ids in by_key.items()}
    with app.app_context():
        assert integrity_check.check().ok
    allocated = {event.key: str(event.allocation_id) for event in events if event.kind == "allocated"}
    assert sorted(allocated.values()) == sorted(str(one.id) for one in made)
    assert {key: sorted(allocated[event] for event in of_key) for key, of_key in keys} == found
    return found
