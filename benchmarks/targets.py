"""The performance targets, and whether the measurements meet them."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import booking_requests, changes, feed, gateway, screens, searches, table
from benchmarks.table import Results


@dataclass(frozen=True)
class Target:
    """A measured figure with its lower limit ``least`` or its upper limit ``most``."""

    engine: str
    text: str
    measured: float
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def met(self) -> bool:
        """Whether the figure is within the limits."""
        return self.least <= self.measured <= self.most


def targets(results: Results) -> Iterator[Target]:
    """Yield all targets for the engine of these results."""
    yield from _postgresql_targets(results) if results.engine == "PostgreSQL" else _sqlite_targets(results)
    yield from _common_targets(results)


def _postgresql_targets(results: Results) -> Iterator[Target]:
    create, orm, floor = (results.measured[name] for name in (table.CREATE, table.ORM, table.FLOOR))
    yield Target(results.engine, "create, multiple of the ORM reference, at least 3", create.ratio(orm), least=3)
    yield Target(results.engine, "create, share of the floor's rate, at least 0.6", create.ratio(floor), least=0.6)
    yield from _booking_targets(results)


def _booking_targets(results: Results) -> Iterator[Target]:
    """Yield the targets for the requests of a booking system."""
    engine, measured = results.engine, results.measured
    plain, keyed, any_vehicle = (
        measured[name] for name in (table.CREATE_MILLION, table.CREATE_KEYED, booking_requests.ANY)
    )
    yield Target(engine, "any, per second, at least 800", any_vehicle.rate, least=800)
    yield Target(engine, "any, p99 in ms, at most 100", any_vehicle.percentile(0.99), most=100)
    yield Target(engine, "create with key, share of the rate without, at least 0.8", keyed.ratio(plain), least=0.8)
    for name, request, most in (
        (changes.ROTATE, "changes of 10 allocations, 16 clients", 60),
        (searches.AVAILABLE, "first 100 available", 25),
        (searches.RARE, "first 100 available, 1 in 10 free", 25),
        (searches.YEAR, "availability of a car over a year", 10),
        (searches.UTILISATION, "utilisation of a week", 1500),
        (screens.ALLOCATIONS, "a week of 100 vehicles", 60),
        (screens.AVAILABILITY, "availability of 100 vehicles, a week", 60),
        (feed.START, "feed, first page of 1,000", 40),
        (feed.END, "feed, last page of 1,000", 40),
    ):
        yield Target(engine, f"{request}, p99 in ms, at most {most}", measured[name].percentile(0.99), most=most)
    ratio = measured[feed.END].percentile(0.5) / measured[feed.START].percentile(0.5)
    yield Target(engine, "feed, p50 of the last page relative to the first, at most 1.2", ratio, most=1.2)


def _sqlite_targets(results: Results) -> Iterator[Target]:
    create, lone, tutorial = (results.measured[name] for name in (table.CREATE, table.CREATE_LONE, table.TUTORIAL))
    yield Target(results.engine, "create, per second, at least 1,500", create.rate, least=1500)
    ratio = lone.rate / tutorial.rate
    yield Target(results.engine, "create on 100,000, multiple of the tutorial's, at least 1,000", ratio, least=1000)


def _gateway_targets(results: Results) -> Iterator[Target]:
    """Yield the targets for the cost of the gateway."""
    for request in (gateway.GET, gateway.CREATE):
        direct, through = (
            results.measured[gateway.name(request, route)] for route in (gateway.DIRECT, gateway.THROUGH)
        )
        text = f"{request} through the gateway, share of the direct rate, at least 0.6"
        yield Target(results.engine, text, through.ratio(direct), least=0.6)
    direct, through = (
        results.measured[gateway.name(gateway.ONE, route)] for route in (gateway.DIRECT, gateway.THROUGH)
    )
    difference = through.percentile(0.5) - direct.percentile(0.5)
    yield Target(results.engine, "get through the gateway, additional p50 in ms, at most 2", difference, most=2)


def _common_targets(results: Results) -> Iterator[Target]:
    yield from _gateway_targets(results)
    engine, contention, any_results = results.engine, results.contention, results.booking
    base = results.measured[table.CREATE].percentile(0.99)
    for name, size in ((table.CREATE_MILLION, "1 million"), (table.CREATE_LONE, "100,000 on one")):
        ratio = results.measured[name].percentile(0.99) / base
        yield Target(engine, f"create, p99, {size} relative to 10,000, at most 1.5", ratio, most=1.5)
    yield Target(engine, "competing clients, p99 in ms, at most 50", contention.p99, most=50)
    yield Target(engine, "competing clients, failures, none", contention.failures, most=0)
    yield Target(engine, "competing clients, one success per period", contention.one_success_each, least=1)
    yield Target(engine, "any, double bookings, none", any_results.consistency.double_bookings, most=0)
    yield Target(
        engine, "any, differences between responses and rows, none", any_results.consistency.mismatches, most=0
    )
    yield Target(engine, "any, none_available although one was free, none", any_results.few_free.false_refusals, most=0)
    yield Target(engine, "any, failures with few free vehicles, none", any_results.few_free.failures, most=0)
    yield Target(engine, "any, last free vehicles all allocated", any_results.few_free.all_allocated, least=1)
    yield Target(engine, "memory growth, at most 0.1", results.memory.growth, most=0.1)
    yield Target(engine, "import of 3,800 trips, seconds, at most 5", results.import_seconds, most=5)
