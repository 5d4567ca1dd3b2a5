"""The service and its model side by side: both execute each operation, and their results must agree.

The operations are in ``model_orders``, ``model_changes`` and ``model_queries``; this module has their shared parts.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from invsys.inventory.db.models import ContinuousResourceAllocation, IdempotencyKey
from tests.support.days_around_now import days_of
from tests.support.model import Fleet
from tests.support.time_travel import shift_timestamps

CARS, ALL = "/api/cars", "/api/cars/all/allocations"
DAY = 86400


class ModelRunner:
    """A client of the service, and the model's state."""

    def __init__(self, app):
        self.app, self.client = app, app.test_client()
        self.fleet = Fleet()
        # For each item, all its ETags so far, and the kinds of events expected in the feed.
        self.etags, self.kinds = defaultdict(list), defaultdict(list)
        # For each idempotency key, the request (path and body) and its first response.
        self.keys = {}

    def removed_items(self):
        """Return the ids of items that no longer count: decommissioned, deleted or expired."""
        return [item for item in self.etags if item not in self.fleet.vehicles and item not in self.fleet.active()]

    def hours_pass(self, hours):
        shift_timestamps(self.app, ContinuousResourceAllocation.expires, hours=hours)
        self.fleet.now += hours

    def expire_keys(self):
        shift_timestamps(self.app, IdempotencyKey.created, seconds=DAY)
        self.keys.clear()

    def record(self, item, response, kind):
        """Record an item's new ETag, and ``kind`` as its next event; if ``kind`` is None, expect the same ETag."""
        self.record_etag(item, response.headers["ETag"], kind)

    def record_etag(self, item, etag, kind):
        if kind is None:
            assert etag == self.etags[item][-1]
            return
        assert etag not in self.etags[item]
        self.etags[item].append(etag)
        self.kinds[item].append(kind)

    def if_match(self, item, match):
        """Return an If-Match header: the ``present`` ETag, a ``stale`` one (previous or never used), or ``*`` (any).

        Return no header if ``match`` is None.
        """
        before, present = ['"0"', *self.etags[item]][-2:]
        etags = {"stale": before, "present": present, "any": "*"}
        return {"If-Match": etags[match]} if match else {}

    def check_version_mismatch(self, response, item):
        check_refusal(response, "version_mismatch")
        assert response.headers["ETag"] == self.etags[item][-1]

    def check_allocation(self, row, one):
        """Check an allocation in a response against the model's."""
        assert (row["resource_id"], days_of(row)) == (one.vehicle, one.period)
        assert (row["description"], row["status"]) == (one.description, one.status)
        if one.expires is None:
            assert row["expires"] is None
        else:
            remaining = datetime.fromisoformat(row["expires"]) - datetime.now(UTC)
            assert abs(remaining - timedelta(hours=one.expires - self.fleet.now)) < timedelta(minutes=30)


def check_refusal(response, code, conflicts=None):
    """Check an error response; ``conflicts`` are the expected ids."""
    assert response.status_code >= 400, response.text
    assert response.json["code"] == code
    if conflicts is not None:
        assert [conflict["id"] for conflict in response.json["conflicts"]] == conflicts[:10]
