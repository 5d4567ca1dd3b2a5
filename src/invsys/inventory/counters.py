"""Counters that the commands increase; ``/metrics`` shows their sums over the worker processes."""

from prometheus_client import Summary

from invsys.chassis.ops import metrics

_HOLDS = metrics.counter(
    "inventory_holds_total", "Holds that requests created, confirmed, or deleted after they had expired", "outcome"
)
_SERIES = {outcome: _HOLDS.labels(outcome) for outcome in ("created", "confirmed", "expired")}
_REPLAYS = metrics.counter("inventory_replays_total", "Requests that were answered with the result of an earlier one")
_LOCK_WAIT = Summary("sqlite_lock_wait_seconds", "Time for which writes waited for the write lock of SQLite")


def count_holds(outcome: str, number: int = 1) -> None:
    """Count holds that were ``created``, ``confirmed``, or deleted because they had ``expired``."""
    _SERIES[outcome].inc(number)


def count_replay() -> None:
    """Count a request that was not executed again, because its Idempotency-Key was stored."""
    _REPLAYS.inc()


def count_lock_wait(seconds: float) -> None:
    """Count a write that waited for the write lock of SQLite."""
    _LOCK_WAIT.observe(seconds)
