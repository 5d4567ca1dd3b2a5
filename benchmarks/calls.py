"""Requests as the bytes that go over the wire, and endless feeds of them."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

# Prime, and not a divisor of any number of vehicles here: neighbours in time are not neighbours in an index.
_STRIDE = 7919


def slot(number: int) -> tuple[datetime, datetime]:
    """Give the hour with a number; seeded rows hold the even ones, what is measured takes the odd ones."""
    start = _FIRST + timedelta(hours=number)
    return start, start + timedelta(hours=1)


def number(start: datetime) -> int:
    """Give the number of the hour that starts then."""
    return (start - _FIRST) // timedelta(hours=1)


def get(path: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def delete(path: str) -> bytes:
    """Write a DELETE."""
    return f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, body: dict[str, Any], key: str | None = None) -> bytes:
    """Write a POST of JSON, under an Idempotency-Key if one is given."""
    return _with_body("POST", path, body, "" if key is None else f"Idempotency-Key: {key}\r\n")


def patch(path: str, body: dict[str, Any]) -> bytes:
    """Write a PATCH of JSON."""
    return _with_body("PATCH", path, body)


def _with_body(method: str, path: str, body: dict[str, Any], headers: str = "") -> bytes:
    written = json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(written)}\r\n{headers}\r\n"
    )
    return head.encode() + written


def period(number: int) -> dict[str, Any]:
    """Give the hour ``number`` as the fields of an allocation."""
    start, end = slot(number)
    return {"from_datetime": start.isoformat(), "to_datetime": end.isoformat()}


def create(vehicle: uuid.UUID | str, number: int, key: str | None = None, **more: Any) -> bytes:
    """Write the request that allocates the hour ``number`` of a vehicle, or of ``any``."""
    body = {**period(number), "allocation_type": "booking", "description": "a benchmark's trip", **more}
    return post(f"/api/cars/{vehicle}/allocations", body, key)


def creates(vehicles: Sequence[uuid.UUID], first: int = 0, *, keyed: bool = False, **more: Any) -> Iterator[bytes]:
    """Allocate free hours, vehicle by vehicle; ``first`` numbers the request to begin with."""
    for number in count(first):
        vehicle, hour = vehicles[number * _STRIDE % len(vehicles)], 2 * (number // len(vehicles)) + 1
        yield create(vehicle, hour, str(uuid.uuid4()) if keyed else None, **more)


def creates_on(vehicle: uuid.UUID, among: int) -> Iterator[bytes]:
    """Allocate free hours of one vehicle here and there, each once, between its ``among`` allocations."""
    for number in range(among):
        yield create(vehicle, 2 * (number * _STRIDE % among) + 1)
