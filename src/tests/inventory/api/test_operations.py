"""The endpoints for operators of the inventory: health, readiness and metrics."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from invsys.chassis.ops import metrics
from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture(autouse=True)
def _no_metrics_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render the metrics for every request."""
    monkeypatch.setattr(metrics, "MAX_AGE", 0)


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of ``app`` with those of the test added."""
    return environ | getattr(request, "param", {})


def samples(client: FlaskClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = client.get("/metrics")
    parse = openmetrics.text_string_to_metric_families
    families = (parse if "openmetrics" in response.mimetype else text_string_to_metric_families)(response.text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


@table_driven("path", ["/healthz", "/readyz"])
def test_a_migrated_service_is_healthy_and_ready(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200


@pytest.mark.one_engine
def test_the_metrics_can_be_parsed_by_prometheus(client: FlaskClient) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.mimetype in ("text/plain", "application/openmetrics-text")
    assert samples(client)


@pytest.mark.one_engine
def test_requests_are_counted(client: FlaskClient) -> None:
    before = samples(client)
    for _ in range(5):
        client.get("/api/cars")
    grown = {name for (name, labels), value in samples(client).items() if value - before.get((name, labels), 0) == 5}
    assert any("request" in name for name in grown)


@pytest.mark.one_engine
def test_refused_requests_are_counted_by_their_status(client: FlaskClient) -> None:
    before = samples(client)
    for _ in range(5):
        client.get(f"/api/cars/{ANOTHER_ID}")
    after = samples(client)
    grown = {key for key, value in after.items() if value - before.get(key, 0) == 5}
    assert any("404" in dict(labels).values() for _, labels in grown)


@pytest.mark.one_engine
def test_texts_of_callers_create_no_new_metrics(client: FlaskClient) -> None:
    client.get("/api/cars")
    for path in ("/made-up-one", "/api/made-up-one", "/api/cars/made-up-one", f"/api/cars/{ANOTHER_ID}"):
        client.get(path, headers={"X-Client-Id": "made-up-one", "X-Request-Id": "made-up-one"})
    client.open("/api/cars", method="MADE-UP-ONE")
    text = client.get("/metrics").text
    assert "made-up-one" not in text.lower()
    assert ANOTHER_ID not in text


@pytest.mark.one_engine
@table_driven("path", ["/healthz", "/readyz", "/metrics"])
def test_the_paths_for_operators_are_not_under_api(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    refused(client.get(f"/api{path}"), 404, "not_found")


@pytest.mark.one_engine
def test_by_default_only_this_machine_can_read_the_metrics(client: FlaskClient, refused: Callable[..., Any]) -> None:
    stranger = {"REMOTE_ADDR": "192.0.2.7"}
    refused(client.get("/metrics", environ_overrides=stranger), 403, "address_not_allowed")
    refused(client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}), 403, "address_not_allowed")


@pytest.mark.one_engine
@pytest.mark.parametrize("environ", [{"INVSYS_METRICS_ALLOW": "192.0.2.7"}], indirect=True, ids=["prometheus"])
def test_addresses_in_the_setting_can_read_the_metrics(client: FlaskClient, refused: Callable[..., Any]) -> None:
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200
    refused(client.get("/metrics"), 403, "address_not_allowed")


@pytest.mark.one_engine
@table_driven("path", ["/", "/api/cars", "/api/openapi.json", "/docs", "/docs/problems", "/static/page.css"])
def test_another_host_name_is_refused(client: FlaskClient, refused: Callable[..., Any], path: str) -> None:
    refused(client.get(path, headers={"Host": "elsewhere.example"}), 421, "misdirected_request")
    refused(client.post(path, headers={"Host": "a,b"}), 400, "http_400")


@pytest.mark.one_engine
@table_driven("path", ["/healthz", "/readyz", "/metrics"])
def test_the_paths_for_operators_accept_any_host_name(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 200


@pytest.mark.one_engine
def test_the_document_says_which_operations_check_the_host_name(client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").json["paths"]
    any_host = {path for path, item in paths.items() if "421" not in item.get("get", item.get("post"))["responses"]}
    assert any_host == {"/healthz", "/readyz", "/metrics"}
    assert "403" in paths["/metrics"]["get"]["responses"]
