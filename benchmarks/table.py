"""What does each request cost on one engine: beside a no-op, with little and with much in the tables?"""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, repeat

from benchmarks import calls, fight, gateway, measures, memory, monolith, processes, seeds, trips, tutorial_way
from benchmarks.databases import Databases
from benchmarks.measures import Case, Measured, Scale
from benchmarks.stocks import Engine, Stock

_ALL = "/api/cars/all/allocations"
_VEHICLES = 10_000
_ON_ONE = 100_000
# It answers about one a second, so it gets few requests, and more time.
_TUTORIAL_SECONDS = 6.0

# The rows of the table.
NOOP = "no-op Flask route"
CREATE = "create, at 10 thousand allocations"
CREATE_MILLION = "create, at 1 million"
CREATE_KEYED = "create, at 1 million, with an Idempotency-Key"
CREATE_LONE = "create, on a vehicle that has 100 thousand"
ORM = "create, the ORM way"
FLOOR = "create, the floor"
TUTORIAL = "create, the tutorial's way, 100 thousand on it"
REFUSED = "refused create"
GET = "get"
LIST_100 = "list of 100"
LIST_1000 = "list of 1,000"
DELETE = "delete"


@dataclass(frozen=True)
class Results:
    """All that was measured on one engine."""

    engine: str
    measured: dict[str, Measured]
    day: monolith.Day
    fight: fight.Fight
    memory: memory.Memory
    import_seconds: float


def measure(databases: Databases, scale: Scale) -> Results:
    """Measure everything; what is compared is measured in turn."""
    with ExitStack() as stack:
        engine = Engine(databases, stack)
        small = engine.stock("small", _VEHICLES, 1)
        million = engine.stock("million", _VEHICLES, 100)
        lone = engine.stock("lone", 1, _ON_ONE)
        noop = Case(NOOP, engine.serve("benchmarks.noop:app", small.url).port, repeat(calls.get("/healthz")), 200)
        rivals = _rivals(engine, small) if engine.is_postgresql else []
        creates = [noop, *_creates(small, million, lone), *rivals]
        measured = measures.interleave(creates, scale.rounds, scale.seconds)
        measured |= measures.interleave([noop, *_others(small, million)], scale.rounds, scale.seconds)
        day = monolith.measure(engine, million, noop, scale)
        measured |= day.measured
        measured |= gateway.measure(small, scale)
        if not engine.is_postgresql:
            measured[TUTORIAL] = _tutorial(engine, databases.url("tutorial"))
        calm = engine.stock("calm", 1_000, 1)
        fought = fight.fight(calm.port, calm.vehicles[0], scale.periods)
        grown = memory.memory(calm.server, calm.vehicles[1:], scale.requests)
    seconds = trips.import_seconds(databases.make("trips"), databases.folder)
    return Results(databases.name, measured, day, fought, grown, seconds)


def _creates(small: Stock, million: Stock, lone: Stock) -> list[Case]:
    return [
        Case(CREATE, small.port, calls.creates(small.vehicles), 201),
        Case(CREATE_MILLION, million.port, calls.creates(million.vehicles), 201),
        Case(CREATE_KEYED, million.port, calls.creates(million.vehicles, 1_000 * _VEHICLES, keyed=True), 201),
        Case(CREATE_LONE, lone.port, calls.creates_on(lone.vehicles[0], _ON_ONE), 201),
    ]


def _rivals(engine: Engine, small: Stock) -> list[Case]:
    """The other ways, in the same database; each on hours of its own."""
    return [
        Case(name, engine.serve(app, small.url).port, calls.creates(small.vehicles, first), 201)
        for name, app, first in (
            (ORM, "benchmarks.orm_way:app", 1_000 * _VEHICLES),
            (FLOOR, "benchmarks.floor:app", 2_000 * _VEHICLES),
        )
    ]


def _others(small: Stock, million: Stock) -> list[Case]:
    some, many = (
        [f"{_ALL}/{found}" for found in seeds.allocation_ids(stock.url, 100_000)] for stock in (small, million)
    )
    return [
        Case(REFUSED, small.port, cycle([calls.create(vehicle, 0) for vehicle in small.vehicles]), 409),
        Case(GET, small.port, cycle([calls.get(path) for path in some]), 200),
        Case(LIST_100, small.port, repeat(calls.get(f"{_ALL}?limit=100")), 200),
        Case(LIST_1000, small.port, repeat(calls.get(f"{_ALL}?limit=1000")), 200),
        Case(DELETE, million.port, iter([calls.delete(path) for path in many]), 204),
    ]


def _tutorial(engine: Engine, url: str) -> Measured:
    car = tutorial_way.seed(url, _ON_ONE)
    port = engine.serve("benchmarks.tutorial_way:app", url).port
    case = Case(TUTORIAL, port, calls.creates_on(car, _ON_ONE), 201, connections=processes.WORKERS)
    return Measured(TUTORIAL, [measures.once(case, _TUTORIAL_SECONDS)])
