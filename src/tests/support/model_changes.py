"""Changes to the service and its model, with or without If-Match: rename, close, decommission, move, delete."""

from dataclasses import replace

from tests.support.days_around_now import bound_fields, day_start
from tests.support.model_orders import HOUR
from tests.support.model_runner import ALL, CARS, ModelRunner, check_refusal


class ModelChanges(ModelRunner):
    """The operations that change items; ``match`` selects the If-Match header that is sent."""

    def change_vehicle(self, vehicle, changes, match):
        body = {name: day_start(value) if name == "closed_from" else value for name, value in changes.items()}
        response = self.client.patch(f"{CARS}/{vehicle}", json=body, headers=self.if_match(vehicle, match))
        before = self.fleet.vehicles.get(vehicle)
        if before is None:
            return check_refusal(response, "resource_not_found")
        if match == "stale":
            return self.check_version_mismatch(response, vehicle)
        new = replace(before, **changes)
        if self.fleet.has_name(new.name, except_id=vehicle):
            return check_refusal(response, "name_taken")
        self.fleet.vehicles[vehicle] = new
        return self.record(vehicle, response, "resource_changed" if new != before else None)

    def decommission(self, vehicle, match):
        response = self.client.delete(f"{CARS}/{vehicle}", headers=self.if_match(vehicle, match))
        if vehicle not in self.fleet.vehicles:
            return check_refusal(response, "resource_not_found")
        if match == "stale":
            return self.check_version_mismatch(response, vehicle)
        if conflicts := self.fleet.current_and_future(vehicle):
            return check_refusal(response, "resource_in_use", conflicts)
        assert response.status_code == 204, response.text
        for hold in self.fleet.end_holds(vehicle):
            self.kinds[hold].append("deallocated")
        del self.fleet.vehicles[vehicle]
        return self.kinds[vehicle].append("resource_decommissioned")

    def change(self, allocation, changes, match):
        headers = self.if_match(allocation, match)
        response = self.client.patch(f"{ALL}/{allocation}", json=on_the_wire(changes), headers=headers)
        if allocation not in self.fleet.active():
            return self._check_gone(response, allocation)
        if match == "stale":
            return self.check_version_mismatch(response, allocation)
        if refusal := self.fleet.refusal_of(allocation, changes):
            return check_refusal(response, *refusal)
        before = self.fleet.allocations[allocation]
        self.fleet.allocations[allocation] = new = self.fleet.changed(before, **changes)
        self.check_allocation(response.json, new)
        kind = "confirmed" if (before.status, new.status) == ("held", "confirmed") else "allocation_changed"
        return self.record(allocation, response, kind if new != before or "hold" in changes else None)

    def _check_gone(self, response, allocation):
        one = self.fleet.allocations.get(allocation)
        has_expired = one is not None and self.fleet.is_expired(one)
        return check_refusal(response, "hold_expired" if has_expired else "allocation_not_found")

    def deallocate(self, allocation, match):
        response = self.client.delete(f"{ALL}/{allocation}", headers=self.if_match(allocation, match))
        if allocation not in self.fleet.active():
            return check_refusal(response, "allocation_not_found")
        if match == "stale":
            return self.check_version_mismatch(response, allocation)
        assert response.status_code == 204, response.text
        del self.fleet.allocations[allocation]
        return self.kinds[allocation].append("deallocated")


def on_the_wire(changes):
    """Return the changes of the model as members of a request."""
    to_wire = {
        "start": lambda day: bound_fields("from", day),
        "end": lambda day: bound_fields("to", day),
        "vehicle": lambda vehicle: {"resource_id": vehicle},
        "description": lambda text: {"description": text},
        "hold": lambda hours: {"hold_seconds": hours * HOUR},
        "confirm": lambda _: {"status": "confirmed"},
    }
    return {field: value for name, new in changes.items() for field, value in to_wire[name](new).items()}
