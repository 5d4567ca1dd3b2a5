"""Measurements of the requests of a booking system: searches, ``any`` vehicle, changes, the change feed."""

from dataclasses import dataclass

from benchmarks import any_vehicle, changes, feed, load, rounds, searches
from benchmarks.datasets import SERVICE, Engine, ServedDatabase
from benchmarks.rounds import CONNECTIONS, Case, Measured, Scale

ANY = "any, nearly all of 10,000 vehicles free"
BEST_FIT = "any, best_fit; 1 client"
BEST_FIT_CROWD = "any, best_fit; 16 clients"

# Each case has its own hours, all below 200, so that the cases do not conflict. The seeded rows occupy the even hours,
# and creates begin with the first odd hours.
_ANY_FIRST = 51
_SEARCHED = list(range(101, 121, 2))
_RARELY_FREE = list(range(121, 131, 2))
_FEW_FREE_FIRST = 131
_BEST_FIT_FIRST = 151
_LAST = 198
# The number of the first hold is this times the number of vehicles, so the holds use later hours than all other cases.
_HOLDS_FIRST = 3_000
# The duration of each of the two best_fit cases, in rounds.
_BEST_FIT_ROUNDS = 4


@dataclass(frozen=True)
class Results:
    """The results of ``measure``."""

    measured: dict[str, Measured]
    few_free: any_vehicle.FewFree
    best_fit_failures: int
    consistency: any_vehicle.ConsistencyCheck


def measure(engine: Engine, million: ServedDatabase, noop: Case, scale: Scale) -> Results:
    """Measure the change feed with its own database, and all other cases with a database of a million allocations."""
    any_requests = any_vehicle.many_free(_ANY_FIRST, len(million.vehicles))
    cases = [
        noop,
        Case(ANY, million.port, any_requests, 201),
        *searches.cases(million, _SEARCHED, _RARELY_FREE),
        *changes.cases(million, _LAST, _HOLDS_FIRST * len(million.vehicles)),
    ]
    with_events = engine.fill_events("feed", scale.events) if engine.is_postgresql else None
    if with_events is not None:
        cases += feed.cases(with_events, scale.events)
        # Not on SQLite, which needs several seconds for such a request.
        cases.append(searches.utilisation(million))
    measured = rounds.interleave(cases, scale.rounds, scale.seconds)
    pairs = measured.pop(changes.PAIR)
    for name, status in ((changes.HOLD, 201), (changes.CONFIRM, 200)):
        measured[name] = pairs.with_status(name, status)
    if with_events is not None:
        measured[feed.DURING_CREATES] = feed.during_creates(with_events, scale.events, scale)
    best_fit = _best_fit(engine, million, scale, any_requests)
    hours = [_FEW_FREE_FIRST + 2 * number for number in range(scale.few_free_hours)]
    few_free = any_vehicle.few_free(million, hours, any_requests)
    return Results(
        {**measured, **{case.name: case.with_status(case.name, 201) for case in best_fit}},
        few_free,
        sum(run.failures for case in best_fit for run in case.loads),
        any_vehicle.check_consistency(million.url, any_requests.created),
    )


def _best_fit(
    engine: Engine, database: ServedDatabase, scale: Scale, any_requests: any_vehicle.AnyVehicleRequests
) -> list[Measured]:
    """Measure a server with the strategy best_fit, without checking the statuses of the responses.

    Adds the successful responses to ``any_requests.created``.
    """
    port = engine.serve(SERVICE, database.url, INVSYS_API_ANY_STRATEGY="best_fit").port
    best_fit_requests = any_vehicle.many_free(_BEST_FIT_FIRST, len(database.vehicles))
    measured = [
        Measured(name, [load.run(port, [best_fit_requests] * clients, _BEST_FIT_ROUNDS * scale.seconds)])
        for name, clients in ((BEST_FIT, 1), (BEST_FIT_CROWD, CONNECTIONS))
    ]
    any_requests.created += best_fit_requests.created
    return measured
