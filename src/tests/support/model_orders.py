"""Orders, each with a key or without, to the service and its model: register, allocate, any, several; and again."""

from tests.support.days import wire
from tests.support.model import Allocation, Vehicle
from tests.support.model_runner import ALL, CARS, Beside, is_refused

HOUR = 3600


class Orders(Beside):
    """What is ordered."""

    def register(self, name, attributes, key):
        """Register a vehicle; gives its id, or None."""
        refusal = ("name_taken", None) if self.fleet.is_named(name) else None
        answer = self._order(CARS, {"name": name, "attributes": attributes}, key, refusal)
        if answer is None:
            return None
        made = answer.json["id"]
        assert answer.headers["Location"] == f"{CARS}/{made}"
        self.fleet.vehicles[made] = Vehicle(name, attributes)
        self.learn(made, answer, "resource_registered")
        return made

    def allocate(self, vehicle, period, hold, description, key):
        """Allocate a vehicle, held for so many hours or for good (None); gives the allocation's id, or None."""
        refusal = None
        if vehicle not in self.fleet.vehicles:
            refusal = ("resource_not_found", None)
        elif conflicts := self.fleet.in_the_way(vehicle, period):
            refusal = ("period_taken", conflicts)
        body = _body(period, hold, description=description)
        answer = self._order(f"{CARS}/{vehicle}/allocations", body, key, refusal)
        return answer and self._allocated(answer, {vehicle}, period, hold, description)

    def allocate_any(self, period, attributes, hold, key):
        """Allocate any vehicle that has these attributes; gives the allocation's id, or None."""
        free = self.fleet.free(period, attributes)
        body = _body(period, hold, attributes=attributes)
        answer = self._order(f"{CARS}/any/allocations", body, key, None if free else ("none_available", None))
        return answer and self._allocated(answer, free, period, hold)

    def _allocated(self, answer, free, period, hold, description=None):
        row = answer.json
        assert row["resource_id"] in free
        assert answer.headers["Location"] == f"{CARS}/{row['resource_id']}/allocations/{row['id']}"
        self._put(row, answer, period, hold, description)
        return row["id"]

    def allocate_several(self, quantity, period, attributes, hold, key):
        """Allocate several vehicles; gives the allocations' ids, none where there are too few."""
        free = self.fleet.free(period, attributes)
        refusal = None if len(free) >= quantity else ("none_available", None)
        body = _body(period, hold, attributes=attributes, quantity=quantity)
        answer = self._order(f"{CARS}/any/allocations", body, key, refusal)
        if answer is None:
            return []
        vehicles = {row["resource_id"] for row in answer.json}
        assert (len(vehicles), vehicles <= set(free)) == (quantity, True)
        for row in answer.json:
            self._put(row, self.client.get(f"{ALL}/{row['id']}"), period, hold)
        return [row["id"] for row in answer.json]

    def _put(self, row, answer, period, hold, description=None):
        one = Allocation(row["resource_id"], period, description, self.fleet.until(hold))
        self.allocation_is(row, one)
        self.fleet.allocations[row["id"]] = one
        self.learn(row["id"], answer, "allocated")

    def _order(self, path, body, key, refusal):
        """Give an order; gives the answer where it was carried out just now, else None."""
        answer = self.client.post(path, json=body, headers={"Idempotency-Key": key} if key else {})
        if key in self.keys:
            return self._is_settled((path, body), key, answer)
        assert "Idempotency-Replayed" not in answer.headers
        if refusal:
            return is_refused(answer, *refusal)
        assert answer.status_code == 201, answer.text
        if key:
            self.keys[key] = (path, body), answer
        return answer

    def _is_settled(self, order, key, answer):
        before, first = self.keys[key]
        if order != before:
            return is_refused(answer, "idempotency_key_reused")
        assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (201, "true"), answer.text
        assert answer.data == first.data
        for header in ("Location", "ETag"):
            assert answer.headers.get(header) == first.headers.get(header)
        return None

    def repeat(self, key):
        """Give the order that was carried out under the key once more."""
        (path, body), _ = self.keys[key]
        assert self._order(path, body, key, None) is None


def _body(period, hold, **fields):
    return wire(period) | fields | ({} if hold is None else {"hold_seconds": hold * HOUR})
