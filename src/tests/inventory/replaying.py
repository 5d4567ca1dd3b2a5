"""What a reader of the change feed knows, from the events alone: each has to follow from those before it."""

from collections import defaultdict
from datetime import datetime


def overlap(one, other):
    """Say whether two allocations (as they are on the wire) share an instant."""
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
    """The vehicles in circulation and the allocations, expired holds among them until their event; by their ids."""

    def __init__(self):
        self.vehicles, self.allocations = {}, {}
        # Of each item, the kinds of its events in their order.
        self.kinds = defaultdict(list)
        self._ids = set()

    def tell(self, events):
        for event in events:
            assert event["id"] not in self._ids, f"told twice: {event}"
            self._ids.add(event["id"])
            self._tell(event)

    def _tell(self, event):
        data = event["data"]
        assert data["id"] == (event["allocation_id"] or event["resource_id"])
        getattr(self, event["kind"])(data)
        self.kinds[data["id"]].append(event["kind"])

    def resource_registered(self, data):
        assert data["id"] not in self.kinds
        self._put_vehicle(data)

    def resource_changed(self, data):
        assert self.vehicles[data["id"]] != data
        self._put_vehicle(data)

    def _put_vehicle(self, data):
        self.vehicles[data["id"]] = data
        names = [(vehicle["resource_type"], vehicle["name"]) for vehicle in self.vehicles.values()]
        assert len(set(names)) == len(names), data

    def resource_decommissioned(self, data):
        assert self.vehicles.pop(data["id"]) == data

    def allocated(self, data):
        assert data["id"] not in self.kinds
        self._put(data)

    def allocation_changed(self, data):
        assert self.allocations[data["id"]]["status"] == data["status"]
        self._put(data)

    def confirmed(self, data):
        assert (self.allocations[data["id"]]["status"], data["status"]) == ("held", "confirmed")
        self._put(data)

    def _put(self, data):
        assert data["resource_id"] in self.vehicles
        for other in self.allocations.values():
            is_another = other["id"] != data["id"] and other["resource_id"] == data["resource_id"]
            assert not (is_another and overlap(other, data)), f"twice at one instant: {other}, {data}"
        self.allocations[data["id"]] = data

    def deallocated(self, data):
        assert but_expires(self.allocations.pop(data["id"])) == but_expires(data)

    def expired(self, data):
        assert data["status"] == "held"
        self.deallocated(data)
