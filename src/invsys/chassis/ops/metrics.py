"""``/metrics``: requests by method, route and status, problems by code, the version, and the worker processes.

Counts are summed over all worker processes. A service adds its own counters (``counter``) and metrics that are computed
when they are read (``register``).
"""

import contextlib
import functools
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    PROCESS_COLLECTOR,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from invsys.chassis import routes
from invsys.chassis.access import proxies
from invsys.chassis.config.settings import Settings
from invsys.chassis.http.problems import AddressNotAllowed
from invsys.chassis.http.responses import log_members
from invsys.chassis.ops import metric_files, worker_metrics

DIRECTORY_VARIABLE = metric_files.DIRECTORY_VARIABLE

metric_files.install()
# ``worker_metrics`` reports each worker process instead of this one.
with contextlib.suppress(KeyError):
    REGISTRY.unregister(PROCESS_COLLECTOR)

# The upper bounds of the histogram's buckets, in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# The label is the path template of the route, never the path: a caller must not be able to create time series.
DURATION = Histogram(
    "http_request_duration_seconds",
    "Time from the start of a request until its response is ready",
    ["method", "route", "status"],
    buckets=BUCKETS,
)

_PROBLEMS = Counter("http_problems_total", "Problem documents that the service itself returned", ["code"])

# Seconds for which the rendered text is reused, because rendering takes about 30 ms of CPU.
MAX_AGE = 1.0

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def allowed_networks(settings: Settings) -> str:
    """Return the addresses and networks that may read the metrics: by default this machine and the trusted proxies."""
    return settings["metrics"]["allow"] or f"{proxies.LOOPBACK}, {settings['server']['trusted_proxies']}"


def counter(name: str, description: str, *labels: str) -> Counter:
    """Return a new counter with these label names."""
    return Counter(name, description, labels)


def register(app: Flask, allow: str = proxies.LOOPBACK, collect: Callable[[], Iterable[Metric]] = lambda: ()) -> None:
    """Measure every request to ``app``, and serve the metrics to the addresses and networks in ``allow``.

    ``collect`` returns the metrics that the service computes when they are read. It must neither fail nor wait for
    long.
    """
    rendered = Rendered(_AllMetrics(app, collect))

    app.before_request(start)

    @app.after_request
    def observe(response: Response) -> Response:
        g.seconds = time.perf_counter() - g.started
        route = routes.current() or "none"
        method = request.method if request.method in _METHODS else "other"
        _series(method, route, response.status_code).observe(g.seconds)
        if response.status_code >= HTTPStatus.BAD_REQUEST and (code := log_members(response).get("code")):
            _problems(code).inc()
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        _require_allowed(allow)
        if reason := metric_files.failure_reason():
            return Response(f"{reason}\n", 503, content_type="text/plain; charset=utf-8")
        return Response(rendered.text(), content_type=CONTENT_TYPE_LATEST)


def start() -> None:
    """Record the start of the current request."""
    g.started = time.perf_counter()


class Rendered:
    """The metrics in Prometheus's text format, rendered at most once per ``MAX_AGE``, by one thread at a time."""

    def __init__(self, all_metrics: Collector) -> None:
        self._all_metrics = all_metrics
        self._lock = threading.Lock()
        self._text = b""
        self._rendered_at = float("-inf")

    def text(self) -> bytes:
        """Return the text of the metrics, which is at most ``MAX_AGE`` seconds old."""
        with self._lock:
            if time.monotonic() - self._rendered_at >= MAX_AGE:
                self._text = generate_latest(self._all_metrics)
                self._rendered_at = time.monotonic()
            return self._text


class _AllMetrics(Collector):
    """The counted metrics, those of the worker processes, and those that the service computes."""

    def __init__(self, app: Flask, collect: Callable[[], Iterable[Metric]]) -> None:
        self._build_info = _build_info(app)
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        yield from _registry().collect()
        yield self._build_info
        yield from worker_metrics.collect()
        yield from self._collect()


def _build_info(app: Flask) -> Metric:
    package = sys.modules.get(app.import_name.partition(".")[0])
    labels = {
        "service": app.import_name,
        "version": getattr(package, "__version__", "unknown"),
        "python": platform.python_version(),
    }
    info = GaugeMetricFamily("service_build_info", "Always 1; the labels describe the program", labels=list(labels))
    info.add_metric(list(labels.values()), 1)
    return info


def _require_allowed(allow: str) -> None:
    """Raise AddressNotAllowed unless ``allow`` covers the connection's address and all those in ``X-Forwarded-For``.

    So a proxy cannot be used to read the metrics from another address, and sending the header never grants access.
    """
    networks = proxies.networks(allow)
    forwarded = request.environ.get("HTTP_X_FORWARDED_FOR")
    addresses = [proxies.address(request.remote_addr)]
    if forwarded is not None:
        addresses += map(proxies.forwarded_address, forwarded.split(","))
    for address in addresses:
        if address is None or not any(address in network for network in networks):
            raise AddressNotAllowed("The setting [metrics] allow does not list this address.")


@functools.cache
def _series(method: str, route: str, status: int) -> Histogram:
    return DURATION.labels(method, route, status)


@functools.cache
def _problems(code: str) -> Counter:
    return _PROBLEMS.labels(code)


def _registry() -> CollectorRegistry:
    # Each of several workers writes its metrics to this directory, and the worker that responds sums them.
    return metric_files.registry() if DIRECTORY_VARIABLE in os.environ else REGISTRY
