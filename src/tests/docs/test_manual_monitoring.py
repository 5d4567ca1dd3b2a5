"""The manual's alerts and queries ask for figures and labels that there are."""

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
# What Prometheus itself adds to what it has read.
ADDED = {"up": {"job", "instance"}}
# The words of the language that the expressions have, and the labels that they group by.
WORDS = {"sum", "by", "rate", "increase", "histogram_quantile", "or", "unless", "offset"}
WORDS |= {"le", "job", "instance", "status", "route"}


@pytest.fixture
def figures(app: Flask, front_door: FrontDoor) -> dict[str, set[str]]:
    """The labels of each series that the gateway in front of a real inventory has, once it has passed on a request."""
    caller = front_door.caller(app)
    caller.get("/api/cars")
    families = text_string_to_metric_families(caller.get("/metrics").text)
    found: dict[str, set[str]] = {name: set(labels) for name, labels in ADDED.items()}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, set()).update(sample.labels, ADDED["up"])
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for group in yaml.safe_load(ALERTS)["groups"] for rule in group["rules"])
    yield re.sub("#.*", "", PAGE.partition("code-block:: promql")[2].partition("\n\nPrometheus")[0])


def test_every_alert_and_query_asks_for_figures_and_labels_that_there_are(figures: dict[str, set[str]]) -> None:
    for expression in expressions():
        selectors = re.findall(r"([a-z_]+)(?:\{([^}]*)\})?\[?", re.sub('"[^"]*"', '""', expression))
        asked = [(name, re.findall("([a-z_]+)=", labels)) for name, labels in selectors if name not in WORDS]
        assert [name for name, _ in asked if len(name) > 1]
        for name, labels in asked:
            if len(name) > 1:  # not the unit of a window
                assert set(labels) <= figures[name], expression


def test_the_table_of_figures_has_every_one(figures: dict[str, set[str]]) -> None:
    histograms = {name.removesuffix("_bucket") for name in figures if name.endswith("_bucket")}
    table = PAGE.partition("The metrics")[2].partition("Each histogram")[0]
    assert set(re.findall(r"^``(\w+)``", table, re.MULTILINE)) == histograms
