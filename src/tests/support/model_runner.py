"""The service and a model of it beside each other: both carry out each verb, and have to agree on what came of it.

Here is what all verbs share; ``beside_orders``, ``beside_changes`` and ``beside_questions`` have the verbs.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from invsys.inventory.db.models import ContinuousResourceAllocation, IdempotencyKey
from tests.support.days import days
from tests.support.model import Fleet
from tests.support.time_travel import pass_for

CARS, ALL = "/api/cars", "/api/cars/all/allocations"
DAY = 86400


class Beside:
    """A caller of the service, and what the model knows."""

    def __init__(self, app):
        self.app, self.client = app, app.test_client()
        self.fleet = Fleet()
        # Of each item, the ETags that it had, and the kinds of events that have to tell of it.
        self.etags, self.kinds = defaultdict(list), defaultdict(list)
        # What was done under each key: the order (path and body), and its first answer.
        self.keys = {}

    def gone(self):
        """Give the ids of what was there and counts no more: decommissioned, given back, expired."""
        return [item for item in self.etags if item not in self.fleet.vehicles and item not in self.fleet.live()]

    def hours_pass(self, hours):
        pass_for(self.app, ContinuousResourceAllocation.expires, hours=hours)
        self.fleet.now += hours

    def keys_grow_old(self):
        pass_for(self.app, IdempotencyKey.created, seconds=DAY)
        self.keys.clear()

    def learn(self, item, response, kind):
        """Note an item's ETag: another one, if an event of this ``kind`` tells of a change, else (None) the same."""
        etag = response.headers["ETag"]
        if kind is None:
            assert etag == self.etags[item][-1]
            return
        assert etag not in self.etags[item]
        self.etags[item].append(etag)
        self.kinds[item].append(kind)

    def if_match(self, item, match):
        """Give the header that names the item's ETag: its present one, the one before (or none that it had), or any."""
        before, present = ['"0"', *self.etags[item]][-2:]
        named = {"stale": before, "present": present, "any": "*"}
        return {"If-Match": named[match]} if match else {}

    def is_overtaken(self, response, item):
        is_refused(response, "version_mismatch")
        assert response.headers["ETag"] == self.etags[item][-1]

    def allocation_is(self, row, one):
        """Check an allocation as the service shows it."""
        assert (row["resource_id"], days(row)) == (one.vehicle, one.period)
        assert (row["description"], row["status"]) == (one.description, one.status)
        if one.expires is None:
            assert row["expires"] is None
        else:
            remaining = datetime.fromisoformat(row["expires"]) - datetime.now(UTC)
            assert abs(remaining - timedelta(hours=one.expires - self.fleet.now)) < timedelta(minutes=30)


def is_refused(response, code, conflicts=None):
    """Check a refusal; ``conflicts`` are the ids of what is in the way."""
    assert response.status_code >= 400, response.text
    assert response.json["code"] == code
    if conflicts is not None:
        assert [conflict["id"] for conflict in response.json["conflicts"]] == conflicts[:10]
