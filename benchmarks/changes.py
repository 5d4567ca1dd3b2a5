"""What do changes cost: a period that is extended, a vehicle that is held and then confirmed?"""

import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count

from benchmarks import calls, seeds
from benchmarks.connections import Dialogue
from benchmarks.measures import Case
from benchmarks.stocks import Stock

EXTEND = "extend (PATCH)"
PAIR = "hold and confirm"
HOLD = "hold, for each a confirmation"
CONFIRM = "confirm (PATCH), for each a hold"


def cases(stock: Stock, last_hour: int, first: int) -> list[Case]:
    """Extend the allocations of the last hour; hold free hours from the request numbered ``first`` on."""
    ids = seeds.allocation_ids(stock.url, len(stock.vehicles), last_hour)
    return [
        Case(EXTEND, stock.port, extensions(ids, last_hour), 200),
        Case(PAIR, stock.port, Holds(stock.vehicles, first), frozenset({200, 201})),
    ]


def extensions(ids: Sequence[uuid.UUID], hour: int) -> Iterator[bytes]:
    _, end = calls.slot(hour)
    for number in count(len(ids)):
        until = end + timedelta(seconds=number // len(ids))
        path = f"/api/cars/all/allocations/{ids[number % len(ids)]}"
        yield calls.patch(path, {"to_datetime": until.isoformat()})


class Holds(Dialogue):
    """Holds, and the confirmation of each as soon as it is answered."""

    def __init__(self, vehicles: Sequence[uuid.UUID], first: int) -> None:
        self._holds = calls.creates(vehicles, first, hold_seconds=600)
        self._held: deque[str] = deque()

    def __next__(self) -> bytes:
        return calls.patch(self._held.popleft(), {"status": "confirmed"}) if self._held else next(self._holds)

    def hear(self, status: int, answer: bytes) -> None:
        if status == 201:
            self._held.append(_location(answer))


def _location(answer: bytes) -> str:
    header = answer.partition(b"\r\n\r\n")[0].decode()
    named = (line.partition(": ") for line in header.split("\r\n"))
    return next(value for name, _, value in named if name.lower() == "location")
