"""What does a booking monolith's day cost: searches, any free vehicle, changes, the feed?"""

from dataclasses import dataclass

from benchmarks import any_vehicle, changes, feed, load, measures, searches
from benchmarks.measures import CONNECTIONS, Case, Measured, Scale
from benchmarks.stocks import SERVICE, Engine, Stock

ANY = "any, nearly all 10 thousand are free"
BEST_FIT = "any, best_fit; 1 client"
BEST_FIT_CROWD = "any, best_fit; 16 clients"

# What each takes of the vehicles' 200 hours, so that none is in another's way; creates begin with the first odd ones.
_ANY_FIRST = 51
_SEARCHED = list(range(101, 121, 2))
_RARELY_FREE = list(range(121, 131, 2))
_SCARCE_FIRST = 131
_BEST_FIT_FIRST = 151
_LAST = 198
# The request to begin with: beyond all of them.
_HOLDS_FIRST = 3_000
# For each of the two.
_BEST_FIT_ROUNDS = 4


@dataclass(frozen=True)
class Day:
    """What was measured."""

    measured: dict[str, Measured]
    scarce: any_vehicle.Scarce
    best_fit_failures: int
    proof: any_vehicle.Proof


def measure(engine: Engine, million: Stock, noop: Case, scale: Scale) -> Day:
    """Measure everything on a stock of a million allocations, and the feed on one of its own."""
    orders = any_vehicle.plenty(_ANY_FIRST, len(million.vehicles))
    cases = [
        noop,
        Case(ANY, million.port, orders, 201),
        *searches.cases(million, _SEARCHED, _RARELY_FREE),
        *changes.cases(million, _LAST, _HOLDS_FIRST * len(million.vehicles)),
    ]
    told = engine.told("feed", scale.events) if engine.is_postgresql else None
    if told is not None:
        cases += feed.cases(told, scale.events)
    measured = measures.interleave(cases, scale.rounds, scale.seconds)
    pairs = measured.pop(changes.PAIR)
    measured |= {name: pairs.only(name, status) for name, status in ((changes.HOLD, 201), (changes.CONFIRM, 200))}
    if told is not None:
        measured[feed.BESIDE] = feed.beside_creates(told, scale.events, scale)
    best_fit = _best_fit(engine, million, scale, orders)
    hours = [_SCARCE_FIRST + 2 * number for number in range(scale.scarce_hours)]
    rush = any_vehicle.scarce(million, hours, orders)
    return Day(
        {**measured, **{one.name: one.only(one.name, 201) for one in best_fit}},
        rush,
        sum(one.failures for measured in best_fit for one in measured.loads),
        any_vehicle.proof(million.url, orders.given),
    )


def _best_fit(engine: Engine, stock: Stock, scale: Scale, orders: any_vehicle.Orders) -> list[Measured]:
    """Order of a server with that strategy, whatever it answers; ``orders`` remembers."""
    port = engine.serve(SERVICE, stock.url, INVSYS_API_ANY_STRATEGY="best_fit").port
    fitting = any_vehicle.plenty(_BEST_FIT_FIRST, len(stock.vehicles))
    measured = [
        Measured(name, [load.run(port, [fitting] * clients, _BEST_FIT_ROUNDS * scale.seconds)])
        for name, clients in ((BEST_FIT, 1), (BEST_FIT_CROWD, CONNECTIONS))
    ]
    orders.given += fitting.given
    return measured
