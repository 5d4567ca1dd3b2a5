"""Is it as good as was promised?"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import feed, gateway, monolith, searches, table
from benchmarks.table import Results


@dataclass(frozen=True)
class Target:
    """A figure, and the least or the most that it may be."""

    engine: str
    text: str
    measured: float
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def met(self) -> bool:
        """Whether it is within."""
        return self.least <= self.measured <= self.most


def targets(results: Results) -> Iterator[Target]:
    """Give those that hold for the engine."""
    yield from _of_postgresql(results) if results.engine == "PostgreSQL" else _of_sqlite(results)
    yield from _of_both(results)


def _of_postgresql(results: Results) -> Iterator[Target]:
    create, orm, floor = (results.measured[name] for name in (table.CREATE, table.ORM, table.FLOOR))
    yield Target(results.engine, "create, times the ORM way, at least 3", create.ratio(orm), least=3)
    yield Target(results.engine, "create, of the floor, at least 0.6", create.ratio(floor), least=0.6)
    yield from _of_the_monolith(results)


def _of_the_monolith(results: Results) -> Iterator[Target]:
    """The speed that a booking monolith was promised."""
    engine, measured = results.engine, results.measured
    plain, keyed, orders = (measured[name] for name in (table.CREATE_MILLION, table.CREATE_KEYED, monolith.ANY))
    yield Target(engine, "any, a second, at least 800", orders.rate, least=800)
    yield Target(engine, "any, p99 in ms, at most 100", orders.percentile(0.99), most=100)
    yield Target(engine, "create with a key, of create without, at least 0.8", keyed.ratio(plain), least=0.8)
    for name, what, most in (
        (searches.AVAILABLE, "first 100 available", 25),
        (searches.RARE, "first 100 available where 1 in 10 is", 25),
        (searches.YEAR, "availability of a car over a year", 10),
        (feed.START, "feed, the first page of 1,000", 40),
        (feed.END, "feed, the last page of 1,000", 40),
    ):
        yield Target(engine, f"{what}, p99 in ms, at most {most}", measured[name].percentile(0.99), most=most)
    times = measured[feed.END].percentile(0.5) / measured[feed.START].percentile(0.5)
    yield Target(engine, "feed, p50 at the end to the start, at most 1.2", times, most=1.2)


def _of_sqlite(results: Results) -> Iterator[Target]:
    create, lone, tutorial = (results.measured[name] for name in (table.CREATE, table.CREATE_LONE, table.TUTORIAL))
    yield Target(results.engine, "create, a second, at least 1,500", create.rate, least=1500)
    times = lone.rate / tutorial.rate
    yield Target(results.engine, "create on 100 thousand, times the tutorial's, at least 1,000", times, least=1000)


def _of_the_gateway(results: Results) -> Iterator[Target]:
    """What the gateway may cost."""
    for what in (gateway.GET, gateway.CREATE):
        direct, through = (results.measured[gateway.name(what, way)] for way in (gateway.DIRECT, gateway.THROUGH))
        yield Target(
            results.engine, f"{what} through the gateway, of direct, at least 0.6", through.ratio(direct), least=0.6
        )
    direct, through = (results.measured[gateway.name(gateway.ONE, way)] for way in (gateway.DIRECT, gateway.THROUGH))
    more = through.percentile(0.5) - direct.percentile(0.5)
    yield Target(results.engine, "get through the gateway, p50 more in ms, at most 2", more, most=2)


def _of_both(results: Results) -> Iterator[Target]:
    yield from _of_the_gateway(results)
    engine, fight = results.engine, results.fight
    usual = results.measured[table.CREATE].percentile(0.99)
    for name, what in ((table.CREATE_MILLION, "1 million"), (table.CREATE_LONE, "100 thousand on one")):
        times = results.measured[name].percentile(0.99) / usual
        yield Target(engine, f"p99 of create, {what} to 10 thousand, at most 1.5", times, most=1.5)
    yield Target(engine, "fight, p99 in ms, at most 50", fight.p99, most=50)
    yield Target(engine, "fight, failures, none", fight.failures, most=0)
    yield Target(engine, "fight, one winner each", fight.one_winner_each, least=1)
    yield Target(engine, "any, double bookings, none", results.day.proof.double_bookings, most=0)
    yield Target(engine, "any, answers and rows that disagree, none", results.day.proof.disagreements, most=0)
    yield Target(engine, "any, none_available though one was free, none", results.day.scarce.false_refusals, most=0)
    yield Target(engine, "any, failures while the last are given out, none", results.day.scarce.failures, most=0)
    yield Target(engine, "any, the last free vehicles all given out", results.day.scarce.all_given_out, least=1)
    yield Target(engine, "memory growth, at most 0.1", results.memory.growth, most=0.1)
    yield Target(engine, "import of 3,800 trips, seconds, at most 5", results.import_seconds, most=5)
