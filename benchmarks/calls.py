"""Requests as the bytes that go over the wire, and endless feeds of them."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)

# Prime, and not a divisor of any number of vehicles here: neighbours in time are not neighbours in an index.
_STRIDE = 7919


def slot(number: int) -> tuple[datetime, datetime]:
    """Give the hour with a number; seeded rows hold the even ones, what is measured takes the odd ones."""
    start = _FIRST + timedelta(hours=number)
    return start, start + timedelta(hours=1)


def get(path: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def delete(path: str) -> bytes:
    """Write a DELETE."""
    return f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Write a POST of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def create(vehicle: uuid.UUID, number: int) -> bytes:
    """Write the request that allocates the hour ``number`` of a vehicle."""
    start, end = slot(number)
    body = {
        "from_datetime": start.isoformat(),
        "to_datetime": end.isoformat(),
        "allocation_type": "booking",
        "description": "a benchmark's trip",
    }
    return post(f"/api/cars/{vehicle}/allocations", json.dumps(body).encode())


def creates(vehicles: Sequence[uuid.UUID], first: int = 0) -> Iterator[bytes]:
    """Allocate free hours, vehicle by vehicle; ``first`` numbers the request to begin with."""
    number = first
    while True:
        yield create(vehicles[number * _STRIDE % len(vehicles)], 2 * (number // len(vehicles)) + 1)
        number += 1


def creates_on(vehicle: uuid.UUID, among: int) -> Iterator[bytes]:
    """Allocate free hours of one vehicle here and there, each once, between its ``among`` allocations."""
    for number in range(among):
        yield create(vehicle, 2 * (number * _STRIDE % among) + 1)
