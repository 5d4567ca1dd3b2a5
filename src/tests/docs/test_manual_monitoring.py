"""The alerts, the dashboard and the manual's queries refer only to metrics, labels, routes and codes that exist."""

import json
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator

import pytest
import yaml
from flask import Flask
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from invsys.chassis import routes
from invsys.chassis.documentation.problem_pages import problem_classes
from invsys.chassis.ops import metrics
from invsys.gateway import metrics as gateway_metrics
from invsys.inventory import counters, state_metrics
from invsys.inventory.maintenance import archive, purge
from tests.support.front_door import FrontDoor
from tests.support.paths import MANUAL, PROJECT
from tests.support.promql import grouping_labels, references

PAGE = (MANUAL / "monitoring.rst").read_text()
ALERTS = yaml.safe_load((MANUAL / "alerts.yaml").read_text())
DASHBOARD = json.loads((MANUAL / "dashboard.json").read_text())
# The labels that Prometheus adds, and a metric of its own.
ADDED = {"job", "instance"}
OWN = {"up": ADDED}
# Prometheus jobs, as in the manual.
JOBS = set(re.findall(r"job_name: (\S+)", PAGE))


class Exposed:
    """What both services expose: the labels of each metric, and the routes."""

    def __init__(self, app: Flask, front_door: FrontDoor) -> None:
        gateway = front_door.connect(app)
        for path in ("/api/cars", "/nowhere"):
            front_door.caller(app).get(path)
        gateway_metrics.count_limited("rate", "a client")
        counters.count_read("primary")
        counters.set_standby("10.0.0.22:5432", usable=True, age=1.0)
        self.labels: dict[str, set[str]] = dict(OWN)
        for service in (app, gateway):
            self._add(text_string_to_metric_families(service.test_client().get("/metrics").text))
        # Not from the cache of the application, which may be older than the purge and the archive.
        self._add(state_metrics.StateMetrics(app).collect())
        rules = [*app.url_map.iter_rules(), *gateway.url_map.iter_rules()]
        self.routes = {routes.path_template(rule.rule) for rule in rules}
        self.is_sqlite = "postgresql_sessions" not in self.labels

    def _add(self, families: Iterable[Metric]) -> None:
        for family in families:
            for sample in family.samples:
                self.labels.setdefault(sample.name, set()).update(sample.labels, ADDED)


@pytest.fixture
def exposed(app: Flask, front_door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> Exposed:
    monkeypatch.setattr(metrics, "MAX_AGE", 0)
    car = app.test_client().post("/api/cars", json={"name": "Car1"}).headers["Location"]
    period = {"from_datetime": "2020-01-01T00:00:00Z", "to_datetime": "2020-01-02T00:00:00Z"}
    app.test_client().post(f"{car}/allocations", json=period)
    with app.app_context():
        purge.purge(60, 0)
        archive.archive(1, archive.Archived())
    return Exposed(app, front_door)


def alert_expressions() -> Iterator[str]:
    yield from (rule["expr"] for group in ALERTS["groups"] for rule in group["rules"])


def dashboard_expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])


def page_expressions() -> Iterator[str]:
    yield from re.sub("#.*", "", PAGE.partition("code-block:: promql")[2].partition("\n\nPrometheus")[0]).split("\n\n")


def mistakes(expression: str, exposed: Exposed) -> Iterator[str]:
    """Yield what an expression refers to that does not exist."""
    selected = [
        item for item in references(expression) if not (exposed.is_sqlite and item.metric.startswith("postgresql"))
    ]
    known = {"route": exposed.routes | {"none"}, "code": set(problem_classes()), "job": JOBS | {"invsys.*"}}
    known["outcome"] = {"answered", "failed", "created", "confirmed", "expired"}
    for metric, values in selected:
        if metric not in exposed.labels:
            yield f"metric {metric}"
            continue
        for label, compared in values.items():
            if label not in exposed.labels[metric]:
                yield f"label {label} of {metric}"
            yield from (f"{label} {value}" for value in compared if value not in known.get(label, {value}))
    labels = {label for metric, _ in selected for label in exposed.labels.get(metric, ())}
    yield from (f"label {label}" for label in grouping_labels(expression) - labels if selected)


@pytest.mark.parametrize("source", [alert_expressions, dashboard_expressions, page_expressions])
def test_every_expression_refers_to_what_the_services_expose(
    exposed: Exposed, source: Callable[[], Iterator[str]]
) -> None:
    expressions = [expression for expression in source() if expression.strip()]
    assert len(expressions) >= 3
    for expression in expressions:
        assert exposed.is_sqlite or references(expression), expression
        assert list(mistakes(expression, exposed)) == [], expression


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(http_requests_total[5m]) > 0", ["metric http_requests_total"]),
        ('up{service="x"}', ["label service of up"]),
        ("sum by (code, client) (rate(http_problems_total[5m]))", ["label client"]),
        ('rate(http_problems_total{code=~"period_taken|unknown"}[5m])', ["code unknown"]),
        ('sum(rate(http_request_duration_seconds_count{route="/api/{cars}"}[5m]))', ["route /api/{cars}"]),
        ('sum(rate(http_request_duration_seconds_count{route="/api/{collection}"}[5m]))', []),
        ('up{job="elsewhere"} unless inventory_holds offset 10m', ["job elsewhere"]),
    ],
)
def test_a_mistake_in_an_expression_is_found(exposed: Exposed, expression: str, expected: list[str]) -> None:
    assert list(mistakes(expression, exposed)) == expected


@pytest.mark.one_engine
def test_a_job_without_any_instance_has_an_alert() -> None:
    [missing] = [
        rule["expr"] for group in ALERTS["groups"] for rule in group["rules"] if rule["alert"].endswith("Missing")
    ]
    assert missing == " or ".join(f'absent(up{{job="{job}"}})' for job in sorted(JOBS))


@pytest.mark.one_engine
def test_advice_for_hosts_has_a_variant_for_kubernetes() -> None:
    advice = [rule["annotations"]["what_to_do"] for group in ALERTS["groups"] for rule in group["rules"]]
    for text in advice:
        assert ("kubectl" in text) == ("systemctl" in text or "host," in text), text


@pytest.mark.one_engine
def test_prometheus_scrapes_the_running_pods_of_both_services() -> None:
    text = (MANUAL / "kubernetes.rst").read_text().partition("scrape_configs:")[2].partition("\n\n")[0]
    jobs = {job["job_name"]: job["relabel_configs"] for job in yaml.safe_load(textwrap.dedent(text))}
    assert jobs.keys() == JOBS
    ended = {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Failed|Succeeded", "action": "drop"}
    assert all(ended in rules for rules in jobs.values())


@pytest.mark.one_engine
def test_the_legends_and_annotations_use_labels_that_their_series_have(exposed: Exposed) -> None:
    targets = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    texts = [(target["expr"], target["legendFormat"]) for target in targets]
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    texts += [(rule["expr"], " ".join(rule["annotations"].values()).replace("$labels.", "")) for rule in rules]
    for expression, text in texts:
        grouped = grouping_labels(expression)
        exposed_labels = {
            label for item in references(expression) for label in exposed.labels.get(item.metric, {"state"})
        }
        used = set(re.findall(r"\{\{ ?(\w+) ?\}\}", text))
        assert used <= (grouped or exposed_labels), expression


@pytest.mark.one_engine
def test_the_panels_of_the_dashboard_have_different_ids_and_places() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(set(ids)) == len(ids)


def test_the_table_of_metrics_is_complete(exposed: Exposed) -> None:
    table = PAGE.partition("The metrics\n")[2].partition("A histogram has")[0]
    documented = set(re.findall(r"^``(\w+)``", table, re.MULTILINE))
    names = {re.sub("_(bucket|count|sum)$", "", name) for name in exposed.labels} - set(OWN)
    # Without the production server, prometheus_client adds these.
    names = {name for name in names if not name.startswith("python_") and not name.endswith("_created")}
    if exposed.is_sqlite:
        documented -= {"postgresql_sessions"}
    assert documented == names


@pytest.mark.one_engine
@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_the_package_contains_the_alerts_and_the_dashboard(file: str) -> None:
    rules = (PROJECT / "debian/rules").read_text()
    assert f" docs/source/{file} " in rules
