"""What operators see of each request, beside what every service shows: who asked, and how long the service took."""

import functools
import time
from typing import Any

from flask import g, request
from prometheus_client import Histogram

from invsys.chassis.ops import metrics

DURATION = Histogram(
    "gateway_upstream_duration_seconds",
    "Time from passing on a request to the answer of the service behind",
    ["service", "outcome"],
    buckets=metrics.BUCKETS,
)


def observe(service: str, started: float, outcome: str) -> None:
    """Note what became of a request to a service that was passed on at ``started`` (``time.perf_counter``)."""
    g.service, g.upstream_seconds = service, time.perf_counter() - started
    _series(service, outcome).observe(g.upstream_seconds)


@functools.cache
def _series(service: str, outcome: str) -> Histogram:
    return DURATION.labels(service, outcome)


def line() -> dict[str, Any]:
    """Give what the log's line about the request at hand has more than usual."""
    client = g.get("client")
    route = request.url_rule.rule if request.url_rule else None
    told: dict[str, Any] = {"client": client.id if client else None, "route": route}
    if "service" in g:
        told["service"] = g.service
        told["upstream_milliseconds"] = round(g.upstream_seconds * 1000, 3)
        told["own_milliseconds"] = round((g.seconds - g.upstream_seconds) * 1000, 3)
    return told
