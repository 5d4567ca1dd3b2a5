"""What the gateway adds to metrics and log lines: the client of each request, and the time that the service took."""

import functools
import time
from typing import Any

from flask import g
from prometheus_client import Histogram

from invsys.chassis.ops import metrics

DURATION = Histogram(
    "gateway_upstream_duration_seconds",
    "Time from forwarding a request to the response of the service",
    ["service", "outcome"],
    buckets=metrics.BUCKETS,
)


def observe(service: str, started: float, outcome: str) -> None:
    """Record the outcome of a request that was forwarded at ``started`` (a value of ``time.perf_counter``)."""
    g.service, g.upstream_seconds = service, time.perf_counter() - started
    _series(service, outcome).observe(g.upstream_seconds)


@functools.cache
def _series(service: str, outcome: str) -> Histogram:
    return DURATION.labels(service, outcome)


def log_members() -> dict[str, Any]:
    """Return the gateway's additional members for the log line of the current request."""
    client = g.get("client")
    members: dict[str, Any] = {"client": client.id if client else None}
    if "service" in g:
        members["service"] = g.service
        members["upstream_milliseconds"] = round(g.upstream_seconds * 1000, 3)
        members["own_milliseconds"] = round((g.seconds - g.upstream_seconds) * 1000, 3)
    return members
