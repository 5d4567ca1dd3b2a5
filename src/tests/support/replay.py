"""A strict replay of the change feed: each event must be consistent with the events before it.

A hold blocks its period until its ``expired`` or ``deallocated`` event, even after the time in ``expires``: until that
event, its row exists and the database refuses overlaps. So the event of an overlapping allocation must come later.

Between the events of a change list, its allocations can overlap. No event of another request for these allocations or
their vehicle may come in between.
"""

from collections import defaultdict
from dataclasses import dataclass, field
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


def share_an_instant(one, other):
    """Return whether two different allocations overlap on the same vehicle."""
    return one["id"] != other["id"] and one["resource_id"] == other["resource_id"] and overlap(one, other)


@dataclass
class Overlaps:
    """The pairs of overlapping allocations between the events of a change list, and the request and vehicle of each."""

    pairs: dict[frozenset[str], tuple[str, str]] = field(default_factory=dict)

    def require_request_of(self, event):
        """Fail if the allocation or the vehicle of the event has an overlap that another request caused."""
        for pair, (request, vehicle) in self.pairs.items():
            if event["allocation_id"] in pair or event["resource_id"] == vehicle:
                assert event["request_id"] == request, f"overlapping allocations: {pair}, then {event}"

    def update(self, event, allocations):
        """Remove the pairs of the changed allocation, and add those that result from the event."""
        changed, vehicle = event["data"], event["resource_id"]
        self.pairs = {pair: origin for pair, origin in self.pairs.items() if changed["id"] not in pair}
        for other in allocations:
            if share_an_instant(other, changed):
                self.pairs[frozenset((changed["id"], other["id"]))] = (event["request_id"], vehicle)


class ReplayedFeed:
    """The vehicles in circulation and their allocations, by id; a hold remains until the event that ends it."""

    def __init__(self):
        self.vehicles, self.allocations, self._overlaps = {}, {}, Overlaps()
        # The kinds of each item's events, in order.
        self.kinds = defaultdict(list)
        self._ids = set()

    def apply(self, events):
        """Apply events; fail if one is not consistent with the events before it."""
        for event in events:
            assert event["id"] not in self._ids, f"twice in the feed: {event}"
            self._ids.add(event["id"])
            self._apply(event)

    def require_no_overlaps(self):
        """Fail if allocations overlap at the end of the feed."""
        assert not self._overlaps.pairs

    def _apply(self, event):
        data, kind = event["data"], event["kind"]
        assert data["id"] == (event["allocation_id"] or event["resource_id"])
        before = self.kinds[data["id"]]
        assert bool(before) is (kind not in ("resource_registered", "allocated")), f"{before}, then {event}"
        if event["allocation_id"] is not None:
            assert data["resource_id"] == event["resource_id"]
            assert event["resource_id"] in self.vehicles, f"of a vehicle that is not in circulation: {event}"
            self._overlaps.require_request_of(event)
        getattr(self, f"_{kind}")(data)
        if kind in ("allocation_changed", "confirmed"):
            self._overlaps.update(event, self.allocations.values())
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
        for other in self.allocations.values():
            assert not share_an_instant(other, data), f"overlapping allocations: {other}, {data}"
        self.allocations[data["id"]] = data

    def _allocation_changed(self, data):
        assert self.allocations[data["id"]]["status"] == data["status"]
        self.allocations[data["id"]] = data

    def _confirmed(self, data):
        assert (self.allocations[data["id"]]["status"], data["status"]) == ("held", "confirmed")
        self.allocations[data["id"]] = data

    def _deallocated(self, data):
        assert without_expires(self.allocations.pop(data["id"])) == without_expires(data)

    def _expired(self, data):
        assert data["status"] == "held"
        self._deallocated(data)
