"""A strict reader of the feed, beside a test or after it: in the end it has what the lists and the tables have."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from invsys.inventory.db import session
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, Event
from tests.support.change_feed import Reader
from tests.support.replay import Replayed, but_expires

# Between two pages; the reader must not take the processor from the test.
_SECONDS = 0.02
_FIRST = ("resource_registered", "allocated")
_LAST = ("resource_decommissioned", "deallocated", "expired")


class StrictReader:
    """A thread that replays the feed from its start until the context ends; then everything is compared.

    If not ``beside``, it reads the feed only then.
    """

    def __init__(self, app, beside=True):
        self._app, self._client, self._beside = app, app.test_client(), beside
        self._stop, self._replayed, self._ids = threading.Event(), Replayed(), []

    def __enter__(self):
        self._pool = ThreadPoolExecutor(1)
        self._thread = self._pool.submit(self._follow)
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._pool.shutdown()
        # The reason of a test that has failed already is the more useful one.
        if kind is None:
            self._thread.result()
            self._compare()

    def _follow(self):
        reader = Reader(self._client, limit=50)
        if not self._beside:
            self._stop.wait()
        while not self._stop.wait(_SECONDS):
            self._read(reader.page())
        self._read(reader.news())

    def _read(self, events):
        self._replayed.tell(events)
        self._ids += [event["id"] for event in events]

    def _compare(self):
        again = Reader(self._client).news()
        assert [event["id"] for event in again][: len(self._ids)] == self._ids
        self._read(again[len(self._ids) :])
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
        for each, one in allocations.items():
            assert but_expires(one) == but_expires(self._replayed.allocations[each])
        # What the lists do not show are holds that have expired and wait for the event of it.
        assert all(
            one["status"] == "held" for each, one in self._replayed.allocations.items() if each not in allocations
        )

    def _list(self, url):
        response = self._client.get(url, query_string={"limit": 1000})
        assert (response.status_code, response.headers.get("Link")) == (200, None)
        return {one["id"]: one for one in response.json}

    def _compare_tables(self, connection):
        resource, allocation = ContinuousResource, ContinuousResourceAllocation
        there = select(allocation.id, resource.id).join(resource, resource.key == allocation.resource_key)
        there = there.where(resource.decommissioned.is_(None))
        found = {str(each): str(vehicle) for each, vehicle in connection.execute(there)}
        assert found == {each: one["resource_id"] for each, one in self._replayed.allocations.items()}


def _check_versions(connection):
    """Check that each change made the item's version one more, and nothing else did."""
    found = connection.execute(select(Event).order_by(Event.key)).mappings()
    versions = defaultdict(int)
    for event in found:
        item, kind = event["allocation_id"] or event["resource_id"], event["kind"]
        expected = versions[item] if kind in _LAST else versions[item] + 1
        assert event["version"] == expected, f"after version {versions[item]}: {dict(event)}"
        assert (expected == 1) or kind not in _FIRST
        versions[item] = expected
