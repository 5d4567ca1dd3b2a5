"""Clients that place orders as the booking system does: in threads, with ``invsys_client``, which retries failures.

All attempts with one Idempotency-Key must result in one order, even if server processes are killed meanwhile.
"""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResourceAllocation, Event, IdempotencyKey
from invsys.inventory.maintenance import integrity_check
from invsys_client import Client
from tests.support.waiting import until

CALLERS = 4
# Enough cars for all callers: each needs at most two for the same hour.
CARS = 2 * CALLERS
# A test waits for RESPONSES_BEFORE_KILL responses, and then kills a process. Until the test waits again, the callers
# get at most RESPONSES_AFTER_KILL more. So they are active when the process dies, but then leave the CPU to its
# replacement.
RESPONSES_BEFORE_KILL, RESPONSES_AFTER_KILL = 20, 60
MONDAY, HOUR = datetime(2099, 3, 2, tzinfo=UTC), timedelta(hours=1)


class Callers:
    """Threads that place orders until the context ends.

    ``ids_by_key`` maps the key of each acknowledged order to its allocation ids.
    """

    def __init__(self, port, cars):
        self.ids_by_key = {}
        self._url, self._cars, self._stop = f"http://127.0.0.1:{port}", cars, threading.Event()
        self._pool = ThreadPoolExecutor(CALLERS)
        self._may_continue, self._enough = threading.Condition(), 0

    def __enter__(self):
        self._threads = [self._pool.submit(self._call, number) for number in range(CALLERS)]
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._wake_threads()
        for thread in self._threads:
            thread.result()
        self._pool.shutdown()

    def wait_for_progress(self):
        """Let the callers get more responses, at most RESPONSES_BEFORE_KILL + RESPONSES_AFTER_KILL.

        Return once they have RESPONSES_BEFORE_KILL of them, or once a caller has ended.
        """
        enough = len(self.ids_by_key) + RESPONSES_BEFORE_KILL
        self._enough = enough + RESPONSES_AFTER_KILL
        self._wake_threads()
        until(lambda: len(self.ids_by_key) >= enough or any(thread.done() for thread in self._threads))

    def _wake_threads(self):
        with self._may_continue:
            self._may_continue.notify_all()

    def _may_order(self):
        return self._stop.is_set() or len(self.ids_by_key) < self._enough

    def _call(self, number):
        with Client(self._url, attempts=100, deadline=60) as client:
            cars, turn = client.collection("cars"), 0
            while not self._stop.is_set():
                self.ids_by_key[_key(number, turn)] = self._order(cars, number, turn)
                turn += 1
                with self._may_continue:
                    self._may_continue.wait_for(self._may_order)

    def repeat(self, keys, client):
        """Repeat the orders with these keys; return the allocation ids by key."""
        cars = client.collection("cars")
        return {key: self._order(cars, *map(int, key.split("-"))) for key in keys}

    def _order(self, cars, number, turn):
        start, key = MONDAY + turn * HOUR, _key(number, turn)
        order = {"key": key, "dump": {"key": key}}
        if turn % 3 == 0:
            allocations = [cars.allocate(self._cars[number], start, start + HOUR, **order)]
        elif turn % 3 == 1:
            allocations = [cars.allocate_any(start, start + HOUR, **order)]
        else:
            allocations = cars.allocate_several(2, start, start + HOUR, **order)
        return sorted(allocation.id for allocation in allocations)


def _key(number, turn):
    return f"{number}-{turn}"


def stored_allocations(app):
    """Return the ids of the stored allocations by key; check that the events and idempotency keys agree with them."""
    allocation = ContinuousResourceAllocation
    with app.app_context(), session.read() as connection:
        rows = connection.execute(select(allocation.id, allocation.dump)).all()
        events = connection.execute(select(Event.key, Event.kind, Event.allocation_id)).all()
        keys = connection.execute(select(IdempotencyKey.key, IdempotencyKey.events)).all()
    by_key = defaultdict(list)
    for row in rows:
        by_key[row.dump["key"]].append(str(row.id))
    allocated_ids = {key: sorted(ids) for key, ids in by_key.items()}
    with app.app_context():
        assert integrity_check.check().ok
    event_ids = {event.key: str(event.allocation_id) for event in events if event.kind == "allocated"}
    assert sorted(event_ids.values()) == sorted(str(row.id) for row in rows)
    assert {key: sorted(event_ids[event] for event in key_events) for key, key_events in keys} == allocated_ids
    return allocated_ids
