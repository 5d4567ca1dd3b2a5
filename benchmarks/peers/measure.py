"""Measures creates on InvSys and its peers: rate, latency, and double bookings by competing clients."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from benchmarks import calls, contention, rounds
from benchmarks.databases import Databases
from benchmarks.datasets import Engine
from benchmarks.peers.systems import ENVIRON, SYSTEMS, System
from benchmarks.rounds import Case, Measured, Scale

CLIENTS = 8
# Numbers of allocations on a vehicle. Every database has the same number of allocations in total.
SIZES = (10, 1_000, 100_000)
_TOTAL = 100_000
_STRIDE = 7919
# Competing clients use hours after those of the allocations.
_FREE = 1_000
# The tutorial's algorithm takes seconds for a create on a vehicle with 100,000 allocations: each client sends one.
_SLOW, _PATIENCE = ("tutorial", 100_000), 600.0
# Seconds in which every client sends one request only.
_ONE_EACH = 0.1


@dataclass(frozen=True)
class Figures:
    """The rate of creates on vehicles with ``size`` allocations in requests per second, p50 and p99 in milliseconds."""

    system: str
    size: int
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Competition:
    """The result of CLIENTS clients that request the same periods at the same time."""

    system: str
    periods: int
    double_bookings: int
    failures: int


def measure(databases: Databases, scale: Scale) -> dict[str, Any]:
    """Measure all systems, which take turns; return the results in a form that can be written as JSON."""
    before = os.getloadavg()[0]
    figures: list[Figures] = []
    competitions: list[Competition] = []
    for size in SIZES:
        with ExitStack() as stack:
            engine = Engine(databases, stack)
            served = [(system, *_serve(databases, engine, system, size)) for system in SYSTEMS]
            figures += _creates([(system, port, cars) for system, port, cars in served], size, scale)
            if size == SIZES[0]:
                competitions = [_compete(system, port, cars[0], scale.periods) for system, port, cars in served]
    return {
        "engine": databases.name,
        "clients": CLIENTS,
        "load": [round(before, 1), round(os.getloadavg()[0], 1)],
        "creates": [asdict(one) for one in figures],
        "competition": [asdict(one) for one in competitions],
    }


def _serve(databases: Databases, engine: Engine, system: System, size: int) -> tuple[int, list[uuid.UUID]]:
    url = databases.create(f"{system.key}_{size}")
    cars = system.fill(url, _TOTAL // size, size)
    return engine.serve(system.app, url, **ENVIRON).port, cars


def _creates(served: Sequence[tuple[System, int, list[uuid.UUID]]], size: int, scale: Scale) -> Iterator[Figures]:
    cases = [Case(system.key, port, _requests(cars, size), 201, CLIENTS, _PATIENCE) for system, port, cars in served]
    slow = [case for case in cases if (case.name, size) == _SLOW]
    results = rounds.interleave([case for case in cases if case not in slow], scale.rounds, scale.seconds)
    results |= {case.name: Measured(case.name, [rounds.once(case, _ONE_EACH)]) for case in slow}
    for name, measured in results.items():
        yield Figures(name, size, measured.rate, measured.percentile(0.5), measured.percentile(0.99))


def _requests(cars: Sequence[uuid.UUID], size: int) -> Iterator[bytes]:
    """Yield requests for the free hours between the allocations of each car, in scattered order."""
    for number in count():
        hour = (number // len(cars)) * _STRIDE % size
        yield calls.create(cars[number * _STRIDE % len(cars)], 2 * hour + 1)


def _compete(system: System, port: int, car: uuid.UUID, periods: int) -> Competition:
    result = contention.measure(port, car, periods, CLIENTS, _FREE)
    return Competition(system.key, periods, result.double_bookings, result.failures)
