"""The metrics of the inventory that are not counters: the pool of connections, and the state of the database."""

import time
from collections.abc import Iterator

from flask import Flask
from prometheus_client import Gauge, Metric
from prometheus_client.core import GaugeMetricFamily

from invsys.chassis.http.problems import Unavailable
from invsys.chassis.ops import worker_metrics
from invsys.chassis.ops.background import BackgroundValue
from invsys.inventory.db import engine, failures
from invsys.inventory.queries import service_state
from invsys.inventory.queries.service_state import ServiceState

# Seconds. The database is asked at most this often by each worker, and /metrics waits for it only for a moment.
_MAX_AGE, _TIMEOUT = 10.0, 1.0

# The sum over the workers. Each one stores its own numbers (``worker_metrics.start_sampling``).
_CONNECTIONS = Gauge(
    "database_pool_connections",
    "Connections of all worker processes to the database",
    ["state"],
    multiprocess_mode="livesum",
)


class StateMetrics:
    """The metrics of one application."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._state = BackgroundValue(self._read, _MAX_AGE)

    def start(self) -> None:
        """Begin to sample the pool; the engines must be configured."""
        worker_metrics.start_sampling(self._sample)

    def collect(self) -> Iterator[Metric]:
        """Yield the state of the database, or only ``database_up`` if it does not answer in time."""
        self._sample()
        state = self._state.get(_TIMEOUT)
        yield GaugeMetricFamily("database_up", "1 if the database answered the last query, otherwise 0", bool(state))
        if state is not None:
            yield from _families(state)

    def _read(self) -> ServiceState | None:
        try:
            with self._app.app_context(), failures.suppress_logging():
                return service_state.read()
        except Unavailable:
            return None

    def _sample(self) -> None:
        with self._app.app_context():
            in_use, idle = engine.pool_connections()
        _CONNECTIONS.labels("in_use").set(in_use)
        _CONNECTIONS.labels("idle").set(idle)


def _families(state: ServiceState) -> Iterator[Metric]:
    holds = GaugeMetricFamily("inventory_holds", "Holds in the database; expired ones block nothing", labels=["state"])
    holds.add_metric(["active"], state.active_holds)
    holds.add_metric(["expired"], state.expired_holds)
    yield holds
    if state.feed_lag is not None:
        text = "Age of the oldest change that readers of the feed cannot see yet; 0 if there is none"
        yield GaugeMetricFamily("inventory_feed_lag_seconds", text, state.feed_lag)
    if state.purge_age is not None:
        text = "Time of the last purge, since 1970"
        yield GaugeMetricFamily("inventory_last_purge_timestamp_seconds", text, time.time() - state.purge_age)
    if state.archived_until is not None:
        text = "Greatest end of an archived allocation, since 1970"
        yield GaugeMetricFamily("inventory_archived_until_timestamp_seconds", text, state.archived_until.timestamp())
    if state.sessions:
        text = "Sessions of the service's role in this database, of all hosts"
        sessions = GaugeMetricFamily("postgresql_sessions", text, labels=["state"])
        for name, number in state.sessions.items():
            sessions.add_metric([name], number)
        yield sessions
