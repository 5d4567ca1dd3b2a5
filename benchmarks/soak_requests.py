"""The requests of one client of ``soak``: it lets allocations begin and end, so that the tables do not grow."""

import json
import uuid
from collections.abc import Iterator, Sequence

from benchmarks import calls
from benchmarks.connections import ReactiveRequests

# The allocations that the database has at the start are before these hours.
_FIRST_HOUR = 1_000


class Lifecycles(ReactiveRequests):
    """Requests for one vehicle after another: hold, confirm, reads, a refused create, change, delete.

    ``number`` is that of the client among ``clients``; each client has its own vehicles, so that no request conflicts
    with one of another client.
    """

    def __init__(self, vehicles: Sequence[uuid.UUID], number: int, clients: int) -> None:
        self._vehicles = vehicles[number::clients]
        self._requests = self._all()
        self._allocation: str | None = None

    def __next__(self) -> bytes:
        return next(self._requests)

    def on_response(self, status: int, response: bytes) -> None:
        if status == 201:
            self._allocation = json.loads(response.partition(b"\r\n\r\n")[2])["id"]

    def _all(self) -> Iterator[bytes]:
        number = 0
        while True:
            vehicle = self._vehicles[number % len(self._vehicles)]
            hour = _FIRST_HOUR + 2 * (number // len(self._vehicles) % 100)
            yield from self._of_vehicle(vehicle, hour)
            number += 1

    def _of_vehicle(self, vehicle: uuid.UUID, hour: int) -> Iterator[bytes]:
        self._allocation = None
        yield calls.create(vehicle, hour, str(uuid.uuid4()), hold_seconds=600)
        if self._allocation is None:  # the response was lost
            return
        path = f"/api/cars/all/allocations/{self._allocation}"
        yield calls.patch(path, {"status": "confirmed"})
        yield calls.get(f"/api/cars/{vehicle}/allocations")
        yield calls.get(f"/api/cars/{vehicle}/availability")
        yield calls.get("/api/cars/all/allocations?limit=100")
        yield calls.get("/api/cars?limit=20&available_from=2000-06-01T00:00:00Z&available_to=2000-06-02T00:00:00Z")
        yield calls.patch(path, {"description": "changed"})
        yield calls.get(path)
        yield calls.get("/api/events?after=now")
        yield calls.delete(path)
