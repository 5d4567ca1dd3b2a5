"""Measures the rate and the latency of each request on one engine, with small and large tables."""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, repeat

from benchmarks import (
    booking_requests,
    calls,
    contention,
    gateway,
    import_benchmark,
    memory,
    processes,
    rounds,
    screens,
    seeds,
)
from benchmarks.databases import Databases
from benchmarks.datasets import Engine, ServedDatabase
from benchmarks.peers import tutorial
from benchmarks.rounds import Case, Measured, Scale

_ALL = "/api/cars/all/allocations"
_VEHICLES = 10_000
_ON_ONE = 100_000
# The tutorial's algorithm (``peers.tutorial``) serves about one request per second, so it needs more time.
_TUTORIAL_SECONDS = 6.0

# The names of the rows.
NOOP = "no-op Flask route"
CREATE = "create, 10,000 allocations"
CREATE_MILLION = "create, 1 million allocations"
CREATE_KEYED = "create, 1 million, with an Idempotency-Key"
CREATE_LONE = "create, vehicle with 100,000 allocations"
ORM = "create, ORM reference"
FLOOR = "create, floor"
TUTORIAL = "create, tutorial's algorithm, 100,000 on it"
REFUSED = "refused create"
GET = "get"
LIST_100 = "list of 100"
LIST_1000 = "list of 1,000"
DELETE = "delete"


@dataclass(frozen=True)
class Results:
    """All measurements of one engine."""

    engine: str
    measured: dict[str, Measured]
    booking: booking_requests.Results
    contention: contention.Contention
    memory: memory.Memory
    import_seconds: float


def measure(databases: Databases, scale: Scale) -> Results:
    """Run all measurements on one engine. Cases that are compared with each other take turns."""
    with ExitStack() as stack:
        engine = Engine(databases, stack)
        small = engine.fill("small", _VEHICLES, 1)
        million = engine.fill("million", _VEHICLES, 100)
        lone = engine.fill("lone", 1, _ON_ONE)
        weeks = engine.fill("weeks", _VEHICLES, 100, screens.HOURS)
        noop = Case(NOOP, engine.serve("benchmarks.noop:app", small.url).port, repeat(calls.get("/healthz")), 200)
        references = _references(engine, small) if engine.is_postgresql else []
        creates = [noop, *_creates(small, million, lone), *references]
        measured = rounds.interleave(creates, scale.rounds, scale.seconds)
        measured |= rounds.interleave([noop, *_others(small, million)], scale.rounds, scale.seconds)
        booking_results = booking_requests.measure(engine, million, noop, scale)
        measured |= booking_results.measured
        measured |= rounds.interleave([noop, *screens.cases(weeks)], scale.rounds, scale.seconds)
        measured |= gateway.measure(small, scale)
        if not engine.is_postgresql:
            measured[TUTORIAL] = _tutorial(engine, databases.url("tutorial"))
        unused = engine.fill("calm", 1_000, 1)
        competition = contention.measure(unused.port, unused.vehicles[0], scale.periods)
        growth = memory.memory(unused.server, unused.vehicles[1:], scale.requests)
    seconds = import_benchmark.import_seconds(databases.create("trips"), databases.folder)
    return Results(databases.name, measured, booking_results, competition, growth, seconds)


def _creates(small: ServedDatabase, million: ServedDatabase, lone: ServedDatabase) -> list[Case]:
    return [
        Case(CREATE, small.port, calls.creates(small.vehicles), 201),
        Case(CREATE_MILLION, million.port, calls.creates(million.vehicles), 201),
        Case(CREATE_KEYED, million.port, calls.creates(million.vehicles, 1_000 * _VEHICLES, keyed=True), 201),
        Case(CREATE_LONE, lone.port, calls.creates_on(lone.vehicles[0], _ON_ONE), 201),
    ]


def _references(engine: Engine, small: ServedDatabase) -> list[Case]:
    """Return the cases of the reference applications, which use other hours of the same database."""
    return [
        Case(name, engine.serve(app, small.url).port, calls.creates(small.vehicles, first), 201)
        for name, app, first in (
            (ORM, "benchmarks.peers.orm:app", 1_000 * _VEHICLES),
            (FLOOR, "benchmarks.minimal_baseline:app", 2_000 * _VEHICLES),
        )
    ]


def _others(small: ServedDatabase, million: ServedDatabase) -> list[Case]:
    small_paths, million_paths = (
        [f"{_ALL}/{allocation_id}" for allocation_id in seeds.allocation_ids(database.url, 100_000)]
        for database in (small, million)
    )
    return [
        Case(REFUSED, small.port, cycle([calls.create(vehicle, 0) for vehicle in small.vehicles]), 409),
        Case(GET, small.port, cycle([calls.get(path) for path in small_paths]), 200),
        Case(LIST_100, small.port, repeat(calls.get(f"{_ALL}?limit=100")), 200),
        Case(LIST_1000, small.port, repeat(calls.get(f"{_ALL}?limit=1000")), 200),
        Case(DELETE, million.port, iter([calls.delete(path) for path in million_paths]), 204),
    ]


def _tutorial(engine: Engine, url: str) -> Measured:
    [car] = tutorial.seed(url, 1, _ON_ONE)
    port = engine.serve("benchmarks.peers.tutorial:app", url).port
    case = Case(TUTORIAL, port, calls.creates_on(car, _ON_ONE), 201, connections=processes.WORKERS)
    return Measured(TUTORIAL, [rounds.once(case, _TUTORIAL_SECONDS)])
