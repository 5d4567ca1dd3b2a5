"""HTTP requests as bytes, and iterators that generate them."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

# A prime that does not divide any number of vehicles used here, so that consecutive requests are not adjacent in an
# index.
_STRIDE = 7919


def slot(number: int) -> tuple[datetime, datetime]:
    """Return the start and the end of an hour, given its number: even for seeded rows, odd for measured requests."""
    start = _FIRST + timedelta(hours=number)
    return start, start + timedelta(hours=1)


def number(start: datetime) -> int:
    """Return the number of the hour that begins at ``start``."""
    return (start - _FIRST) // timedelta(hours=1)


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def delete(path: str) -> bytes:
    """Return a DELETE request."""
    return f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, body: dict[str, Any], key: str | None = None) -> bytes:
    """Return a POST request with a JSON body and, optionally, an Idempotency-Key."""
    return _with_body("POST", path, body, "" if key is None else f"Idempotency-Key: {key}\r\n")


def patch(path: str, body: dict[str, Any]) -> bytes:
    """Return a PATCH request with a JSON body."""
    return _with_body("PATCH", path, body)


def _with_body(method: str, path: str, body: dict[str, Any], headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    )
    return head.encode() + content


def period(number: int) -> dict[str, Any]:
    """Return the fields of an allocation's period for the hour ``number``."""
    start, end = slot(number)
    return {"from_datetime": start.isoformat(), "to_datetime": end.isoformat()}


def create(vehicle: uuid.UUID | str, number: int, key: str | None = None, **more: Any) -> bytes:
    """Return a request that allocates a vehicle, or ``any`` vehicle, for the hour ``number``."""
    body = {**period(number), "allocation_type": "booking", "description": "a benchmark's trip", **more}
    return post(f"/api/cars/{vehicle}/allocations", body, key)


def creates(vehicles: Sequence[uuid.UUID], first: int = 0, *, keyed: bool = False, **more: Any) -> Iterator[bytes]:
    """Yield requests that each allocate a free hour: first the same hour for all vehicles, then the next hour for all.

    The order of the vehicles is scattered. ``first`` is the number of the first request. If ``keyed``, each request has
    an Idempotency-Key.
    """
    for number in count(first):
        vehicle, hour = vehicles[number * _STRIDE % len(vehicles)], 2 * (number // len(vehicles)) + 1
        yield create(vehicle, hour, str(uuid.uuid4()) if keyed else None, **more)


def creates_on(vehicle: uuid.UUID, allocations: int) -> Iterator[bytes]:
    """Yield requests for the free hours between the allocations of one vehicle, in scattered order.

    ``allocations`` is the number of its allocations, and therefore of the free hours.
    """
    for number in range(allocations):
        yield create(vehicle, 2 * (number * _STRIDE % allocations) + 1)
