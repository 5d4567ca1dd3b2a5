"""A strict reader's view of the change feed: each event must follow from those before it.

A hold counts until its ``expired`` or ``deallocated`` event, also after its ``expires``: until then the row is there,
and the database refuses an overlap with it. So whatever overlaps it must come after the event that ended it.
"""

from collections import defaultdict
from datetime import datetime


def overlap(one, other):
    """Return whether two allocations (as they are on the wire) share an instant."""
    return _bound(one, "from") < _bound(other, "to") and _bound(other, "from") < _bound(one, "to")


def _bound(one, side):
    instant = one[f"{side}_datetime"]
    if instant is None:
        return float("-inf" if side == "from" else "inf")
    return datetime.fromisoformat(instant).timestamp()


def but_expires(one):
    """Leave out the instant that tests move."""
    return {key: value for key, value in one.items() if key != "expires"}


class Replayed:
    """The vehicles in circulation and their allocations (holds until the event of their end) by their ids."""

    def __init__(self):
        self.vehicles, self.allocations = {}, {}
        # For each item, the kinds of its events in their order.
        self.kinds = defaultdict(list)
        self._ids = set()

    def tell(self, events):
        """Apply the events; fails if one does not follow from those before it."""
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
        rest = [one for one in self.allocations.values() if one["resource_id"] == data["id"]]
        for one in rest:
            assert one["status"] == "confirmed", f"a hold without an end: {one}"
            del self.allocations[one["id"]]

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
            assert not (is_another and overlap(other, data)), f"twice at one instant: {other}, {data}"
        self.allocations[data["id"]] = data

    def _deallocated(self, data):
        assert but_expires(self.allocations.pop(data["id"])) == but_expires(data)

    def _expired(self, data):
        assert data["status"] == "held"
        self._deallocated(data)
