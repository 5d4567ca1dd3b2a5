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
    ["service", "fleet", "outcome"],
    buckets=metrics.BUCKETS,
)

_LIMITED = metrics.counter(
    "gateway_limited_requests_total", "Requests that were refused with 429, by client and limit", "client", "limit"
)
# The maximum number of clients with series of their own: with tokens, there can be any number of clients.
_MAX_CLIENTS = 100
# The labels of callers without a key, and of the other clients. No client can have these names.
ANONYMOUS, OTHERS = "(anonymous)", "(others)"
_clients: set[str] = set()


def count_limited(limit: str, client: str | None) -> None:
    """Count a refused request of a client, or of a caller without a key (None); ``limit`` is the name of the policy."""
    if client is None:
        client = ANONYMOUS
    elif client not in _clients:
        if len(_clients) < _MAX_CLIENTS:
            _clients.add(client)
        else:
            client = OTHERS
    _LIMITED.labels(client, limit).inc()


def observe(service: str, fleet: str | None, started: float, outcome: str) -> None:
    """Record the outcome of a request that was forwarded at ``started`` (a value of ``time.perf_counter``)."""
    g.service, g.fleet, g.upstream_seconds = service, fleet, time.perf_counter() - started
    _series(service, fleet, outcome).observe(g.upstream_seconds)


@functools.cache
def _series(service: str, fleet: str | None, outcome: str) -> Histogram:
    # To Prometheus, an empty label is none.
    return DURATION.labels(service, fleet or "", outcome)


def log_members() -> dict[str, Any]:
    """Return the gateway's additional members for the log line of the current request."""
    client = g.get("client")
    members: dict[str, Any] = {"client": client.id if client else None}
    if "service" in g:
        members["service"] = g.service
        if g.fleet is not None:
            members["fleet"] = g.fleet
        members["upstream_milliseconds"] = round(g.upstream_seconds * 1000, 3)
        members["own_milliseconds"] = round((g.seconds - g.upstream_seconds) * 1000, 3)
    return members
