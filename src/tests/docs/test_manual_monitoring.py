"""The manual's alerts and queries use existing metrics and labels."""

import re
from collections.abc import Iterator

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from tests.support.front_door import FrontDoor
from tests.support.paths import MANUAL

PAGE = (MANUAL / "monitoring.rst").read_text()
ALERTS = (MANUAL / "alerts.yaml").read_text()
# The metrics and labels that Prometheus adds itself.
ADDED = {"up": {"job", "instance"}}
# The PromQL words in the expressions, and the labels by which they group.
WORDS = {"sum", "by", "rate", "increase", "histogram_quantile", "or", "unless", "offset"}
WORDS |= {"le", "job", "instance", "status", "route"}


@pytest.fixture
def metric_labels(app: Flask, front_door: FrontDoor) -> dict[str, set[str]]:
    """The labels of each metric of a gateway that has forwarded a request to an inventory."""
    caller = front_door.caller(app)
    caller.get("/api/cars")
    families = text_string_to_metric_families(caller.get("/metrics").text)
    labels_by_name: dict[str, set[str]] = {name: set(labels) for name, labels in ADDED.items()}
    for sample in (sample for family in families for sample in family.samples):
        labels_by_name.setdefault(sample.name, set()).update(sample.labels, ADDED["up"])
    return labels_by_name


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"])
    yield re.sub("#.*", "", PAGE.partition("code-block:: promql")[2].partition("\n\nPrometheus")[0])


def test_every_alert_and_query_uses_existing_metrics_and_labels(metric_labels: dict[str, set[str]]) -> None:
    for expression in expressions():
        selectors = re.findall(r"([a-z_]+)(?:\{([^}]*)\})?\[?", re.sub('"[^"]*"', '""', expression))
        used = [(name, re.findall("([a-z_]+)=", labels)) for name, labels in selectors if name not in WORDS]
        assert [name for name, _ in used if len(name) > 1]
        for name, labels in used:
            if len(name) > 1:  # a single letter is the unit of a range, as in [5m]
                assert set(labels) <= metric_labels[name], expression


def test_the_table_of_metrics_is_complete(metric_labels: dict[str, set[str]]) -> None:
    histograms = {name.removesuffix("_bucket") for name in metric_labels if name.endswith("_bucket")}
    table = PAGE.partition("The metrics")[2].partition("Each histogram")[0]
    assert set(re.findall(r"^``(\w+)``", table, re.MULTILINE)) == histograms
