"""The metrics: one time series for each method, route and status (not for each path), summed over all processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from invsys.chassis.http import problems
from invsys.chassis.ops import metrics

NAME = "http_request_duration_seconds"

Counts = dict[tuple[str, str, str], float]


@pytest.fixture
def without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the cache: render the metrics for every request."""
    monkeypatch.setattr(metrics, "MAX_AGE", 0)


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    metrics.register(app)
    problems.register(app)
    app.add_url_rule("/cars/<name>", "car", lambda name: name, methods=["GET", "PATCH"])
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    return app


def counts(text: str) -> Counts:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{NAME}_count"
    }


def counted(app: Flask, method: str, *paths: str) -> Counts:
    """Send requests, and return the counts that they add to the metrics of this process."""
    client = app.test_client()
    before = counts(client.get("/metrics").text)
    for path in paths:
        client.open(path, method=method)
    after = counts(client.get("/metrics").text)
    grown = {labels: value - before.get(labels, 0) for labels, value in after.items()}
    return {labels: value for labels, value in grown.items() if value and labels[1] != "/metrics"}


@pytest.mark.usefixtures("without_cache")
@pytest.mark.parametrize(
    ("method", "paths", "labels"),
    [
        ("GET", ["/cars/1", "/cars/2", "/cars/3?a=b"], ("GET", "/cars/{name}", "200")),
        ("HEAD", ["/cars/1"], ("HEAD", "/cars/{name}", "200")),
        ("OPTIONS", ["/cars/1"], ("OPTIONS", "/cars/{name}", "200")),
        ("PATCH", ["/cars/1"], ("PATCH", "/cars/{name}", "200")),
        ("GET", ["/broken"], ("GET", "/broken", "500")),
        ("GET", ["/nowhere", "/cars", "/a/b/c"], ("GET", "none", "404")),
        ("POST", ["/cars/1"], ("POST", "none", "405")),
        ("BREW", ["/cars/1"], ("other", "none", "405")),
        ("get", ["/nowhere"], ("GET", "none", "404")),
        ("TRACE", ["/nowhere"], ("other", "none", "404")),
    ],
)
def test_requests_are_counted_by_method_route_and_status(
    app: Flask, method: str, paths: list[str], labels: tuple[str, str, str]
) -> None:
    assert counted(app, method, *paths) == {labels: len(paths)}


def test_the_duration_of_a_request_is_counted_in_the_buckets(app: Flask) -> None:
    app.test_client().get("/cars/1")
    text = app.test_client().get("/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    labels = {"method": "GET", "route": "/cars/{name}", "status": "200"}
    buckets = [s.value for s in samples if s.name == f"{NAME}_bucket" and labels.items() <= s.labels.items()]
    [count] = [s.value for s in samples if s.name == f"{NAME}_count" and s.labels == labels]
    [total] = [s.value for s in samples if s.name == f"{NAME}_sum" and s.labels == labels]
    assert buckets == sorted(buckets)
    assert buckets[-1] == count
    assert 0 < total < 60 * count


WORKER = """
import sys
from flask import Flask
from invsys.chassis.ops import metrics
app = Flask("tiny", static_folder=None)
metrics.register(app)
app.add_url_rule("/cars/<name>", "car", lambda name: name)
client = app.test_client()
for number in range(int(sys.argv[1])):
    client.get(f"/cars/{number}")
print(client.get("/metrics").text)
"""


def test_the_metrics_are_summed_over_processes_including_ended_ones(tmp_path: Path) -> None:
    def run(requests: int) -> Counts:
        command = [sys.executable, "-c", WORKER, str(requests)]
        environ = os.environ | {metrics.DIRECTORY_VARIABLE: str(tmp_path)}
        return counts(subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout)

    labels = ("GET", "/cars/{name}", "200")
    assert [run(requests)[labels] for requests in (2, 3, 5)] == [2, 5, 10]
