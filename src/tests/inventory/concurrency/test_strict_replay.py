"""All operations, run concurrently on the same few vehicles: the feed is consistent, and no request gets a 503.

A 503 would mean a deadlock, which PostgreSQL detects after a second, or a lock that was never released.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from invsys.inventory.commands import expire_holds
from invsys.inventory.db.functions import now_plus
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from tests.support.effort import rounds

pytestmark = pytest.mark.usefixtures("feed_checker")

WRITERS, ROUNDS, CARS = 6, rounds(40, 100), 3
ALL = "/api/cars/all/allocations"


class Writer:
    """A client that sends random requests; all periods are in the past, so that every vehicle can be decommissioned."""

    def __init__(self, app, number):
        self.app, self.client, self.random = app, app.test_client(), random.Random(number)
        orders = [self.create, self.create_any, self.create_several, self.change, self.move, self.confirm, self.extend]
        orders += [self.move_to_any, self.change_several]
        self.turns = [*orders, self.free, self.free, self.expire, self.clear, self.rename, self.replace]

    def work(self):
        for _ in range(ROUNDS):
            self.random.choice(self.turns)()

    def send(self, method, url, *expected, **body):
        headers = {"If-Match": "*"} if method != "POST" and self.random.random() < 0.3 else {}
        response = self.client.open(url, method=method, json=body or None, headers=headers)
        assert response.status_code in expected, response.text
        return response

    def period(self):
        hour = self.random.randrange(20)
        sides = (f"2020-01-01T{side:02}:00:00Z" for side in (hour, hour + self.random.randrange(1, 3)))
        return dict(zip(("from_datetime", "to_datetime"), sides, strict=True))

    def new(self):
        return self.period() | self.random.choice([{}, {"hold_seconds": 3600}])

    def car(self):
        return f"/api/cars/{self.random.choice(self.client.get('/api/cars').json)['id']}"

    def allocation(self, status=None):
        rows = self.client.get(ALL, query_string={} if status is None else {"status": status}).json
        return f"{ALL}/{self.random.choice(rows)['id']}" if rows else None

    def create(self):
        self.send("POST", f"{self.car()}/allocations", 201, 404, 409, **self.new())

    def create_any(self):
        self.send("POST", "/api/cars/any/allocations", 201, 409, **self.new())

    def create_several(self):
        self.send("POST", "/api/cars/any/allocations", 201, 409, **self.new(), quantity=2)

    def patch(self, status, body):
        # 422: the target vehicle has been decommissioned, or the hold to extend is already confirmed.
        if url := self.allocation(status):
            self.send("PATCH", url, 200, 404, 409, 422, **body)

    def change(self):
        self.patch(None, self.period())

    def move_to_any(self):
        self.patch(None, {"resource_id": "any"})

    def change_several(self):
        rows = self.client.get(ALL).json
        rows = self.random.sample(rows, min(3, len(rows)))
        changes = [self.period(), {"resource_id": "any"}, {"resource_id": self.car()[-36:]}, {"description": "x"}]
        listed = [{"id": row["id"], **self.random.choice(changes)} for row in rows]
        if listed:
            self.send("POST", f"{ALL}/changes", 200, 404, 409, 422, changes=listed)

    def move(self):
        self.patch(None, {"resource_id": self.car()[-36:]})

    def confirm(self):
        self.patch("held", {"status": "confirmed"})

    def extend(self):
        self.patch("held", {"hold_seconds": 7200})

    def free(self):
        if url := self.allocation():
            self.send("DELETE", url, 204, 404)

    def expire(self):
        """Let all holds of a vehicle expire, taking locks in the same order as the service."""
        # Select the vehicle by its id only. If another condition became false during a wait, PostgreSQL would lock the
        # row without returning it.
        vehicle = select(ContinuousResource.key).where(ContinuousResource.id == UUID(self.car()[-36:]))
        holds = update(ContinuousResourceAllocation).where(ContinuousResourceAllocation.expires.is_not(None))
        with self.app.app_context(), db.engine.begin() as connection:
            of_vehicle = ContinuousResourceAllocation.resource_key == connection.scalar(vehicle.with_for_update())
            connection.execute(holds.where(of_vehicle).values(expires=now_plus(-1)))

    def clear(self):
        with self.app.app_context():
            expire_holds.delete_all_expired()

    def rename(self):
        self.send("PATCH", self.car(), 200, 404, 409, name=f"Car{self.random.randrange(1000)}")

    def replace(self):
        """Register a vehicle, and decommission another one in exchange."""
        car = self.car()
        if self.register().status_code == 201:
            self.send("DELETE", car, 204, 404)

    def register(self):
        return self.send("POST", "/api/cars", 201, 409, name=f"Car{self.random.randrange(1000)}")


def test_all_verbs_can_run_concurrently(app, register):
    for number in range(CARS):
        register(f"Car{number}")
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(Writer(app, number).work) for number in range(WRITERS)]
    for writer in writers:
        writer.result()
