"""Changes of what is there, conditional or not, by the service and its model: rename, decommission, move, give back."""

from tests.support.days import side
from tests.support.model import Vehicle
from tests.support.model_orders import HOUR
from tests.support.model_runner import ALL, CARS, Beside, is_refused


class Changes(Beside):
    """What is changed; ``match`` says which If-Match goes with it."""

    def change_vehicle(self, vehicle, changes, match):
        answer = self.client.patch(f"{CARS}/{vehicle}", json=changes, headers=self.if_match(vehicle, match))
        before = self.fleet.vehicles.get(vehicle)
        if before is None:
            return is_refused(answer, "resource_not_found")
        if match == "stale":
            return self.is_overtaken(answer, vehicle)
        new = Vehicle(changes.get("name", before.name), changes.get("attributes", before.attributes))
        if self.fleet.is_named(new.name, but=vehicle):
            return is_refused(answer, "name_taken")
        self.fleet.vehicles[vehicle] = new
        return self.learn(vehicle, answer, "resource_changed" if new != before else None)

    def decommission(self, vehicle, match):
        answer = self.client.delete(f"{CARS}/{vehicle}", headers=self.if_match(vehicle, match))
        if vehicle not in self.fleet.vehicles:
            return is_refused(answer, "resource_not_found")
        if match == "stale":
            return self.is_overtaken(answer, vehicle)
        if conflicts := self.fleet.not_ended(vehicle):
            return is_refused(answer, "resource_in_use", conflicts)
        assert answer.status_code == 204, answer.text
        for hold in self.fleet.end_holds(vehicle):
            self.kinds[hold].append("deallocated")
        del self.fleet.vehicles[vehicle]
        return self.kinds[vehicle].append("resource_decommissioned")

    def change(self, allocation, changes, match):
        headers = self.if_match(allocation, match)
        answer = self.client.patch(f"{ALL}/{allocation}", json=_on_the_wire(changes), headers=headers)
        if allocation not in self.fleet.live():
            return self._is_gone(answer, allocation)
        if match == "stale":
            return self.is_overtaken(answer, allocation)
        if refusal := self.fleet.refusal_of(allocation, changes):
            return is_refused(answer, *refusal)
        before = self.fleet.allocations[allocation]
        self.fleet.allocations[allocation] = new = self.fleet.changed(before, **changes)
        self.allocation_is(answer.json, new)
        kind = "confirmed" if (before.status, new.status) == ("held", "confirmed") else "allocation_changed"
        return self.learn(allocation, answer, kind if new != before or "hold" in changes else None)

    def _is_gone(self, answer, allocation):
        one = self.fleet.allocations.get(allocation)
        has_expired = one is not None and self.fleet.is_expired(one)
        return is_refused(answer, "hold_expired" if has_expired else "allocation_not_found")

    def deallocate(self, allocation, match):
        answer = self.client.delete(f"{ALL}/{allocation}", headers=self.if_match(allocation, match))
        if allocation not in self.fleet.live():
            return is_refused(answer, "allocation_not_found")
        if match == "stale":
            return self.is_overtaken(answer, allocation)
        assert answer.status_code == 204, answer.text
        del self.fleet.allocations[allocation]
        return self.kinds[allocation].append("deallocated")


def _on_the_wire(changes):
    written = {
        "start": lambda day: side("from", day),
        "end": lambda day: side("to", day),
        "vehicle": lambda vehicle: {"resource_id": vehicle},
        "description": lambda text: {"description": text},
        "hold": lambda hours: {"hold_seconds": hours * HOUR},
        "confirm": lambda _: {"status": "confirmed"},
    }
    return {field: value for name, given in changes.items() for field, value in written[name](given).items()}
