"""The metrics that every service has besides those of requests: problems by code, the build, the processes."""

import os
import platform
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import invsys
from invsys.chassis.http import problems
from invsys.chassis.ops import metrics, worker_metrics


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(metrics, "MAX_AGE", 0)
    app = Flask("invsys.tiny", static_folder=None)
    metrics.register(app)
    problems.register(app)
    return app


def families(app: Flask) -> list[Metric]:
    return list(text_string_to_metric_families(app.test_client().get("/metrics").text))


def series(app: Flask, name: str) -> Iterator[tuple[dict[str, str], float]]:
    return (
        (sample.labels, sample.value) for family in families(app) for sample in family.samples if sample.name == name
    )


def test_problems_are_counted_by_code(app: Flask) -> None:
    def count() -> float:
        return sum(value for labels, value in series(app, "http_problems_total") if labels == {"code": "not_found"})

    before = count()
    for _ in range(3):
        app.test_client().get("/nowhere")
    assert count() - before == 3


def test_the_build_is_described(app: Flask) -> None:
    labels = {"service": "invsys.tiny", "version": invsys.__version__, "python": platform.python_version()}
    assert list(series(app, "service_build_info")) == [(labels, 1)]


def test_memory_and_cpu_time_of_the_process_are_shown(app: Flask) -> None:
    [(labels, memory)] = series(app, "process_resident_memory_bytes")
    [(other_labels, seconds)] = series(app, "process_cpu_seconds_total")
    assert labels == other_labels == {"pid": str(os.getpid())}
    assert 1e6 < memory < 1e11
    assert 0 < seconds <= sum(os.times()[:2])


def test_a_process_that_has_ended_is_left_out(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_metrics, "pids", lambda: [os.getpid(), 2**22 + 1])
    assert len(list(series(app, "process_cpu_seconds_total"))) == 1


def test_the_buckets_reach_30_seconds(app: Flask) -> None:
    app.test_client().get("/nowhere")
    buckets = {labels["le"] for labels, _ in series(app, "http_request_duration_seconds_bucket")}
    assert {"0.001", "10.0", "30.0", "+Inf"} <= buckets


def test_every_family_follows_the_naming_rules_of_prometheus(app: Flask) -> None:
    # The rules of "promtool check metrics" (https://prometheus.io/docs/practices/naming/).
    for family in families(app):
        assert family.documentation, family
        assert re.fullmatch("[a-z][a-z0-9_]*", family.name), family
        assert not re.search("_(total|count|sum|bucket)$", family.name), family
        assert not re.search("milliseconds|minutes|hours|kilobytes|percent|counter|gauge|histogram", family.name), (
            family
        )
        assert family.type != "counter" or all(
            sample.name.endswith(("_total", "_created")) for sample in family.samples
        )
