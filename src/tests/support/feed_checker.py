"""A check of the change feed: replaying it must result in the contents of the lists and tables."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event
from tests.support.change_feed import FeedReader
from tests.support.replay import ReplayedFeed, without_expires

# Pause between two pages, so that the reader leaves the CPU to the test.
_SECONDS = 0.02
_FIRST = ("resource_registered", "allocated")
_LAST = ("resource_decommissioned", "deallocated", "expired")


class FeedChecker:
    """A thread that replays the feed until the context ends, and then compares the result with the lists and tables.

    With ``concurrently=False``, it reads the feed only when the context ends.
    """

    def __init__(self, app, concurrently=True):
        self._app, self._client, self._concurrently = app, app.test_client(), concurrently
        self._stop, self._replayed, self._ids = threading.Event(), ReplayedFeed(), []

    def __enter__(self):
        self._pool = ThreadPoolExecutor(1)
        self._thread = self._pool.submit(self._follow)
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._pool.shutdown()
        # If the test has failed already, its own failure is more useful.
        if kind is None:
            self._thread.result()
            self._compare()

    def _follow(self):
        reader = FeedReader(self._client, limit=50)
        if not self._concurrently:
            self._stop.wait()
        while not self._stop.wait(_SECONDS):
            self._read(reader.next_page())
        self._read(reader.new_events())

    def _read(self, events):
        self._replayed.apply(events)
        self._ids += [event["id"] for event in events]

    def _compare(self):
        events = FeedReader(self._client).new_events()
        assert [event["id"] for event in events][: len(self._ids)] == self._ids
        self._read(events[len(self._ids) :])
        self._replayed.require_no_overlaps()
        self._compare_lists()
        with self._app.app_context(), session.read() as connection:
            self._compare_tables(connection)
            _check_versions(connection)

    def _compare_lists(self):
        collections = self._app.config["COLLECTIONS"]
        vehicles, allocations = {}, {}
        for collection in collections:
            vehicles |= self._list(f"/api/{collection}")
            allocations |= self._list(f"/api/{collection}/all/allocations")
        assert vehicles == self._replayed.vehicles
        for allocation_id, allocation in allocations.items():
            assert without_expires(allocation) == without_expires(self._replayed.allocations[allocation_id])
        # The lists omit holds that have expired and whose event is not written yet.
        missing = self._replayed.allocations.keys() - allocations.keys()
        assert all(self._replayed.allocations[allocation_id]["status"] == "held" for allocation_id in missing)

    def _list(self, url):
        response = self._client.get(url, query_string={"limit": 1000})
        assert (response.status_code, response.headers.get("Link")) == (200, None)
        return {row["id"]: row for row in response.json}

    def _compare_tables(self, connection):
        resource, allocation = ContinuousResource, ContinuousResourceAllocation
        rows = select(allocation.id, resource.id).join(resource, resource.key == allocation.resource_key)
        rows = rows.where(resource.decommissioned.is_(None))
        stored = {str(allocation_id): str(vehicle) for allocation_id, vehicle in connection.execute(rows)}
        assert stored == {key: row["resource_id"] for key, row in self._replayed.allocations.items()}


def _check_versions(connection):
    """Check that each event raised the version of its item by one, except an event that ended the item."""
    events = connection.execute(select(Event).order_by(Event.key)).mappings()
    versions = defaultdict(int)
    for event in events:
        item, kind = event["allocation_id"] or event["resource_id"], event["kind"]
        expected = versions[item] if kind in _LAST else versions[item] + 1
        assert event["version"] == expected, f"after version {versions[item]}: {dict(event)}"
        assert (expected == 1) or kind not in _FIRST
        versions[item] = expected
