"""Requests that change allocations: extend a period, confirm a hold, change ten allocations at once."""

import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count

from benchmarks import calls, seeds
from benchmarks.connections import ReactiveRequests
from benchmarks.datasets import ServedDatabase
from benchmarks.rounds import Case

EXTEND = "extend (PATCH)"
PAIR = "hold and confirm"
HOLD = "hold, paired with a confirmation"
CONFIRM = "confirm (PATCH), paired with a hold"
ROTATE = "changes of 10 allocations"

_LISTED = 10


def cases(database: ServedDatabase, last_hour: int, first: int) -> list[Case]:
    """Return three cases: extend the allocations of ``last_hour``, hold free hours and confirm the holds, change ten.

    ``first`` is the number of the first hold (see ``calls.creates``). The
    requests of the third case each change ten of the allocations of the hour ``last_hour - 2``.
    """
    ids = seeds.allocation_ids(database.url, len(database.vehicles), last_hour)
    return [
        Case(EXTEND, database.port, extensions(ids, last_hour), 200),
        Case(PAIR, database.port, Holds(database.vehicles, first), frozenset({200, 201})),
        Case(ROTATE, database.port, rotations(seeds.allocations_of(database.url, last_hour - 2)), 200),
    ]


def rotations(rows: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> Iterator[bytes]:
    """Yield requests that each rotate the vehicles of ten allocations; ``rows`` are ids (allocation, its vehicle)."""
    groups = [rows[first : first + _LISTED] for first in range(0, len(rows) - _LISTED + 1, _LISTED)]
    for number in count(len(groups)):
        group, turn = groups[number % len(groups)], number // len(groups)
        changes = [
            {"id": str(allocation), "resource_id": str(group[(position + turn) % _LISTED][1])}
            for position, (allocation, _) in enumerate(group)
        ]
        yield calls.post("/api/cars/all/allocations/changes", {"changes": changes})


def extensions(ids: Sequence[uuid.UUID], hour: int) -> Iterator[bytes]:
    """Yield requests that extend the allocations of the hour: first each by one second, then each by another second."""
    _, end = calls.slot(hour)
    for number in count(len(ids)):
        until = end + timedelta(seconds=number // len(ids))
        path = f"/api/cars/all/allocations/{ids[number % len(ids)]}"
        yield calls.patch(path, {"to_datetime": until.isoformat()})


class Holds(ReactiveRequests):
    """Requests that hold vehicles; each hold is followed by a request that confirms it."""

    def __init__(self, vehicles: Sequence[uuid.UUID], first: int) -> None:
        self._holds = calls.creates(vehicles, first, hold_seconds=600)
        self._to_confirm: deque[str] = deque()

    def __next__(self) -> bytes:
        if self._to_confirm:
            return calls.patch(self._to_confirm.popleft(), {"status": "confirmed"})
        return next(self._holds)

    def on_response(self, status: int, response: bytes) -> None:
        if status == 201:
            self._to_confirm.append(_location(response))


def _location(response: bytes) -> str:
    head = response.partition(b"\r\n\r\n")[0].decode()
    headers = (line.partition(": ") for line in head.split("\r\n"))
    return next(value for name, _, value in headers if name.lower() == "location")
