"""Counters that the commands increase; ``/metrics`` shows their sums over the worker processes."""

from prometheus_client import Gauge, Summary

from invsys.chassis.ops import metrics

_HOLDS = metrics.counter(
    "inventory_holds_total", "Holds that requests created, confirmed, or deleted after they had expired", "outcome"
)
_SERIES = {outcome: _HOLDS.labels(outcome) for outcome in ("created", "confirmed", "expired")}
_REPLAYS = metrics.counter("inventory_replays_total", "Requests that were answered with the result of an earlier one")
_LOCK_WAIT = Summary("sqlite_lock_wait_seconds", "Time for which writes waited for the write lock of SQLite")
_READS = metrics.counter(
    "database_reads_total",
    "Reads that a standby may answer, by the server that answered; only with [database] read_url",
    "server",
)
# The worst value of the workers.
_STANDBY_USABLE = Gauge(
    "database_standby_usable", "1 if a standby may answer reads, otherwise 0", ["standby"], multiprocess_mode="livemin"
)
_STANDBY_AGE = Gauge(
    "database_standby_age_seconds",
    "Upper bound of the age of the data of a standby at its last check",
    ["standby"],
    multiprocess_mode="livemax",
)


def count_holds(outcome: str, number: int = 1) -> None:
    """Count holds that were ``created``, ``confirmed``, or deleted because they had ``expired``."""
    _SERIES[outcome].inc(number)


def count_replay() -> None:
    """Count a request that was not executed again, because its Idempotency-Key was stored."""
    _REPLAYS.inc()


def count_lock_wait(seconds: float) -> None:
    """Count a write that waited for the write lock of SQLite."""
    _LOCK_WAIT.observe(seconds)


def count_read(server: str) -> None:
    """Count a read that a standby may answer, by the server that answered it: ``primary``, or a standby."""
    _READS.labels(server).inc()


def set_standby(name: str, *, usable: bool, age: float) -> None:
    """Set the state of a standby; ``age`` is in seconds."""
    _STANDBY_USABLE.labels(name).set(usable)
    _STANDBY_AGE.labels(name).set(age)
