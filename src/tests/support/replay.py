"""A strict replay of the change feed: each event must be consistent with the events before it.

A hold blocks its period until its ``expired`` or ``deallocated`` event, even after the time in ``expires``: until that
event, its row exists and the database refuses overlaps. So the event of an overlapping allocation must come later.
"""

from collections import defaultdict
from datetime import datetime


def overlap(one, other):
    """Return whether two allocations (in wire format) overlap."""
    return _bound(one, "from") < _bound(other, "to") and _bound(other, "from") < _bound(one, "to")


def _bound(one, side):
    instant = one[f"{side}_datetime"]
    if instant is None:
        return float("-inf" if side == "from" else "inf")
    return datetime.fromisoformat(instant).timestamp()


def without_expires(one):
    """Return the allocation without ``expires``, which tests modify."""
    return {key: value for key, value in one.items() if key != "expires"}


class ReplayedFeed:
    """The vehicles in circulation and their allocations, by id; a hold remains until the event that ends it."""

    def __init__(self):
        self.vehicles, self.allocations = {}, {}
        # The kinds of each item's events, in order.
        self.kinds = defaultdict(list)
        self._ids = set()

    def apply(self, events):
        """Apply events; fail if one is not consistent with the events before it."""
        for event in events:
            assert event["id"] not in self._ids, f"twice in the feed: {event}"
            self._ids.add(event["id"])
            self._apply(event)

    def _apply(self, event):
        data, kind = event["data"], event["kind"]
        assert data["id"] == (event["allocation_id"] or event["resource_id"])
        before = self.kinds[data["id"]]
        assert bool(before) is (kind not in ("resource_registered", "allocated")), f"{before}, then {event}"
        if event["allocation_id"] is not None:
            assert data["resource_id"] == event["resource_id"]
            assert event["resource_id"] in self.vehicles, f"of a vehicle that is not in circulation: {event}"
        getattr(self, f"_{kind}")(data)
        before.append(kind)

    def _resource_registered(self, data):
        self._put_vehicle(data)

    def _resource_changed(self, data):
        assert self.vehicles[data["id"]] != data
        self._put_vehicle(data)

    def _put_vehicle(self, data):
        self.vehicles[data["id"]] = data
        names = [(vehicle["resource_type"], vehicle["name"]) for vehicle in self.vehicles.values()]
        assert len(set(names)) == len(names), data

    def _resource_decommissioned(self, data):
        assert self.vehicles.pop(data["id"]) == data
        remaining = [allocation for allocation in self.allocations.values() if allocation["resource_id"] == data["id"]]
        for allocation in remaining:
            assert allocation["status"] == "confirmed", f"a hold without an end: {allocation}"
            del self.allocations[allocation["id"]]

    def _allocated(self, data):
        self._put(data)

    def _allocation_changed(self, data):
        assert self.allocations[data["id"]]["status"] == data["status"]
        self._put(data)

    def _confirmed(self, data):
        assert (self.allocations[data["id"]]["status"], data["status"]) == ("held", "confirmed")
        self._put(data)

    def _put(self, data):
        for other in self.allocations.values():
            is_another = other["id"] != data["id"] and other["resource_id"] == data["resource_id"]
            assert not (is_another and overlap(other, data)), f"overlapping allocations: {other}, {data}"
        self.allocations[data["id"]] = data

    def _deallocated(self, data):
        assert without_expires(self.allocations.pop(data["id"])) == without_expires(data)

    def _expired(self, data):
        assert data["status"] == "held"
        self._deallocated(data)
