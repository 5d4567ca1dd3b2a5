"""What operators and their machines ask: does it live, is it ready, what has it done."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.direct("what operators see of the inventory is not seen through the gateway")

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def samples(client: FlaskClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = client.get("/metrics")
    parse = openmetrics.text_string_to_metric_families
    families = (parse if "openmetrics" in answer.mimetype else text_string_to_metric_families)(answer.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_migrated_service_lives_and_is_ready(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200


def test_the_metrics_are_for_prometheus(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype in ("text/plain", "application/openmetrics-text")
    assert samples(client)


def test_requests_are_counted(client: FlaskClient) -> None:
    before = samples(client)
    for _ in range(5):
        client.get("/api/cars")
    grown = {name for (name, labels), value in samples(client).items() if value - before.get((name, labels), 0) == 5}
    assert any("request" in name for name in grown)


def test_refused_requests_are_counted_by_their_status(client: FlaskClient) -> None:
    before = samples(client)
    for _ in range(5):
        client.get(f"/api/cars/{ANOTHER_ID}")
    after = samples(client)
    grown = {key for key, value in after.items() if value - before.get(key, 0) == 5}
    assert any("404" in dict(labels).values() for _, labels in grown)


def test_what_callers_write_makes_no_new_metrics(client: FlaskClient) -> None:
    client.get("/api/cars")
    for path in ("/made-up-one", "/api/made-up-one", "/api/cars/made-up-one", f"/api/cars/{ANOTHER_ID}"):
        client.get(path, headers={"X-Client-Id": "made-up-one", "X-Request-Id": "made-up-one"})
    client.open("/api/cars", method="MADE-UP-ONE")
    said = client.get("/metrics").text
    assert "made-up-one" not in said.lower()
    assert ANOTHER_ID not in said


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_they_are_not_under_the_api(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    refused(client.get(f"/api{path}"), 404, "not_found")
