"""``/metrics``: how many requests, how long each took, by method, route and status; right with several processes."""

import functools
import os
import time

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest

from invsys.chassis import metric_files

DIRECTORY_VARIABLE = metric_files.DIRECTORY_VARIABLE

metric_files.install()

# Seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

# The route's pattern is the label, never the path: a caller must not be able to make series.
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the first line of the request to its answer",
    ["method", "route", "status"],
    buckets=BUCKETS,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register(app: Flask) -> None:
    """Time every request of ``app``, and serve the figures."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def observe(answer: Response) -> Response:
        g.seconds = time.perf_counter() - g.started
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in _METHODS else "other"
        _series(method, route, answer.status_code).observe(g.seconds)
        return answer

    @app.get("/metrics")
    def metrics() -> Response:
        if reason := metric_files.reason():
            return Response(f"{reason}\n", 503, content_type="text/plain; charset=utf-8")
        return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


@functools.cache
def _series(method: str, route: str, status: int) -> Histogram:
    return DURATION.labels(method, route, status)


def _registry() -> CollectorRegistry:
    # With several workers each writes its figures to this directory, and the one that is asked adds them up.
    return metric_files.registry() if DIRECTORY_VARIABLE in os.environ else REGISTRY
