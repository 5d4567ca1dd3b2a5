"""Is it as good as was promised?"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks import table
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


def _of_sqlite(results: Results) -> Iterator[Target]:
    create, lone, tutorial = (results.measured[name] for name in (table.CREATE, table.CREATE_LONE, table.TUTORIAL))
    yield Target(results.engine, "create, a second, at least 1,500", create.rate, least=1500)
    times = lone.rate / tutorial.rate
    yield Target(results.engine, "create on 100 thousand, times the tutorial's, at least 1,000", times, least=1000)


def _of_both(results: Results) -> Iterator[Target]:
    engine, fight = results.engine, results.fight
    usual = results.measured[table.CREATE].percentile(0.99)
    for name, what in ((table.CREATE_MILLION, "1 million"), (table.CREATE_LONE, "100 thousand on one")):
        times = results.measured[name].percentile(0.99) / usual
        yield Target(engine, f"p99 of create, {what} to 10 thousand, at most 1.5", times, most=1.5)
    yield Target(engine, "fight, p99 in ms, at most 50", fight.p99, most=50)
    yield Target(engine, "fight, failures, none", fight.failures, most=0)
    yield Target(engine, "fight, one winner each", fight.one_winner_each, least=1)
    yield Target(engine, "memory growth, at most 0.1", results.memory.growth, most=0.1)
    yield Target(engine, "import of 3,800 trips, seconds, at most 5", results.import_seconds, most=5)
