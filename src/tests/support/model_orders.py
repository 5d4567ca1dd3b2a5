"""The operations that create items, executed by the service and by the model: register and allocate.

A request has an Idempotency-Key or none; ``repeat`` sends a request with a key again.
"""

from tests.support.days_around_now import period_fields
from tests.support.model import Allocation, Vehicle
from tests.support.model_runner import ALL, CARS, ModelRunner, check_refusal

HOUR = 3600


class ModelOrders(ModelRunner):
    """The operations that create items."""

    def register(self, name, attributes, key):
        """Register a vehicle; return its id, or None if the request was refused or replayed."""
        refusal = ("name_taken", None) if self.fleet.has_name(name) else None
        response = self._order(CARS, {"name": name, "attributes": attributes}, key, refusal)
        if response is None:
            return None
        vehicle_id = response.json["id"]
        assert response.headers["Location"] == f"{CARS}/{vehicle_id}"
        self.fleet.vehicles[vehicle_id] = Vehicle(name, attributes)
        self.record(vehicle_id, response, "resource_registered")
        return vehicle_id

    def allocate(self, vehicle, period, hold, description, key, despite_closed=False):
        """Allocate a vehicle, held for ``hold`` hours or confirmed (None); return the id of the allocation.

        Return None if the request was refused or replayed.
        """
        refusal = None
        if vehicle not in self.fleet.vehicles:
            refusal = ("resource_not_found", None)
        elif not despite_closed and self.fleet.is_closed(vehicle, period):
            refusal = ("resource_closed", None)
        elif conflicts := self.fleet.conflicts(vehicle, period):
            refusal = ("period_taken", conflicts)
        body = _body(period, hold, description=description, despite_closed=despite_closed)
        response = self._order(f"{CARS}/{vehicle}/allocations", body, key, refusal)
        return response and self._allocated(response, {vehicle}, period, hold, description)

    def allocate_any(self, period, attributes, hold, key):
        """Allocate any vehicle with these attributes; return the id of the allocation.

        Return None if the request was refused or replayed.
        """
        free = self.fleet.free(period, attributes)
        body = _body(period, hold, attributes=attributes)
        response = self._order(f"{CARS}/any/allocations", body, key, None if free else ("none_available", None))
        return response and self._allocated(response, free, period, hold)

    def _allocated(self, response, free, period, hold, description=None):
        row = response.json
        assert row["resource_id"] in free
        assert response.headers["Location"] == f"{CARS}/{row['resource_id']}/allocations/{row['id']}"
        self._put(row, response, period, hold, description)
        return row["id"]

    def allocate_several(self, quantity, period, attributes, hold, key):
        """Allocate several vehicles; return the ids of the allocations, none if the request was refused or replayed."""
        free = self.fleet.free(period, attributes)
        refusal = None if len(free) >= quantity else ("none_available", None)
        body = _body(period, hold, attributes=attributes, quantity=quantity)
        response = self._order(f"{CARS}/any/allocations", body, key, refusal)
        if response is None:
            return []
        vehicles = {row["resource_id"] for row in response.json}
        assert (len(vehicles), vehicles <= set(free)) == (quantity, True)
        for row in response.json:
            self._put(row, self.client.get(f"{ALL}/{row['id']}"), period, hold)
        return [row["id"] for row in response.json]

    def _put(self, row, response, period, hold, description=None):
        one = Allocation(row["resource_id"], period, description, self.fleet.until(hold))
        self.check_allocation(row, one)
        self.fleet.allocations[row["id"]] = one
        self.record(row["id"], response, "allocated")

    def _order(self, path, body, key, refusal):
        """Post the request; return the response if it was executed now, None if it was refused or replayed."""
        response = self.client.post(path, json=body, headers={"Idempotency-Key": key} if key else {})
        if key in self.keys:
            return self._check_replay((path, body), key, response)
        assert "Idempotency-Replayed" not in response.headers
        if refusal:
            return check_refusal(response, *refusal)
        assert response.status_code == 201, response.text
        if key:
            self.keys[key] = (path, body), response
        return response

    def _check_replay(self, order, key, response):
        before, first = self.keys[key]
        if order != before:
            return check_refusal(response, "idempotency_key_reused")
        assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (201, "true"), response.text
        assert response.data == first.data
        for header in ("Location", "ETag"):
            assert response.headers.get(header) == first.headers.get(header)
        return None

    def repeat(self, key):
        """Repeat the request that was executed with this idempotency key."""
        (path, body), _ = self.keys[key]
        assert self._order(path, body, key, None) is None


def _body(period, hold, **fields):
    return period_fields(period) | fields | ({} if hold is None else {"hold_seconds": hold * HOUR})
