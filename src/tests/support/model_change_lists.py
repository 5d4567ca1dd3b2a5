"""Change lists in the service and its model, with entries that move to any vehicle."""

from dataclasses import replace

from tests.support.model import overlap
from tests.support.model_changes import on_the_wire
from tests.support.model_runner import ALL, ModelRunner

ANY = "any"


class ModelChangeLists(ModelRunner):
    """The operation that changes several allocations at once; ``listed`` maps the id of each to its changes."""

    def change_several(self, listed):
        """Send a change list; the ``vehicle`` of an entry can be ``any``."""
        body = {"changes": [{"id": allocation, **on_the_wire(changes)} for allocation, changes in listed.items()]}
        response = self.client.post(f"{ALL}/changes", json=body)
        # The service chooses vehicles at random, so several results can be correct.
        results = list(self._results(listed))
        if response.status_code != 200:
            assert (response.json["code"], _index(response.json)) in results
            return
        places = {row["id"]: row["resource_id"] for row in response.json}
        assert list(places) == list(listed)
        assert places in results
        for row in response.json:
            self._check_change(row, listed[row["id"]])

    def _check_change(self, row, changes):
        before = self.fleet.allocations[row["id"]]
        new = self.fleet.changed(before, **changes | {"vehicle": row["resource_id"]})
        self.check_allocation(row, new)
        self.fleet.allocations[row["id"]] = new
        kind = "confirmed" if (before.status, new.status) == ("held", "confirmed") else "allocation_changed"
        self.record_etag(row["id"], f'"{row["version"]}"', kind)

    def _results(self, listed):
        """Yield each correct result: the code and the index of a problem, or the vehicle of each allocation."""
        for index, allocation in enumerate(listed):
            if allocation not in self.fleet.active():
                one = self.fleet.allocations.get(allocation)
                has_expired = one is not None and self.fleet.is_expired(one)
                yield "hold_expired" if has_expired else "allocation_not_found", index
                return
        named = {key: changes for key, changes in listed.items() if changes.get("vehicle") != ANY}
        for allocation, changes in named.items():
            if self.fleet.is_invalid(allocation, changes):
                yield "invalid_fields", list(listed).index(allocation)
                return
            new = self.fleet.changed(self.fleet.allocations[allocation], **changes)
            if self.fleet.is_newly_closed(allocation, new):
                yield "resource_closed", list(listed).index(allocation)
                return
        placed = {key: self.fleet.changed(self.fleet.allocations[key], **changes) for key, changes in named.items()}
        yield from self._place_others(listed, placed)

    def _place_others(self, listed, placed):
        """Yield the results of all ways to place the entries that are not in ``placed``, which move to any vehicle."""
        remaining = [allocation for allocation in listed if allocation not in placed]
        if not remaining:
            yield self._conflict(listed, placed) or {key: placed[key].vehicle for key in listed}
            return
        allocation = remaining[0]
        before, index = self.fleet.allocations[allocation], list(listed).index(allocation)
        changes = {name: value for name, value in listed[allocation].items() if name != "vehicle"}
        if self.fleet.is_invalid(allocation, changes):
            yield "invalid_fields", index
            return
        new = self.fleet.changed(before, **changes)
        others = [vehicle for vehicle in self.fleet.vehicles if vehicle != before.vehicle]
        places = [replace(new, vehicle=vehicle) for vehicle in others if not self.fleet.is_closed(vehicle, new.period)]
        free = [one for one in places if not self._overlaps(one, listed, placed.values())]
        if not free:
            yield "none_available", index
        for one in free:
            yield from self._place_others(listed, placed | {allocation: one})

    def _conflict(self, listed, placed):
        """Return the problem code and the index of the first entry with a conflict, or None.

        Entries that move to any vehicle are skipped, because they were placed without conflicts.
        """
        named = {key: placed[key] for key, changes in listed.items() if changes.get("vehicle") != ANY}
        for key, one in named.items():
            before = self.fleet.allocations[key]
            is_moved = (one.vehicle, one.period) != (before.vehicle, before.period)
            others = [other for other_key, other in named.items() if other_key != key]
            if is_moved and self._overlaps(one, listed, others):
                return "period_taken", list(listed).index(key)
        return None

    def _overlaps(self, one, listed, placed):
        stored = [other for key, other in self.fleet.active().items() if key not in listed]
        return any(other.vehicle == one.vehicle and overlap(other.period, one.period) for other in [*stored, *placed])


def _index(problem):
    if problem["code"] != "invalid_fields":
        return problem["index"]
    [index] = {int(name.split(".")[1]) for name in problem["errors"]}
    return index
