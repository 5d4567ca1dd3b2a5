"""Observability: request ids, the log line of each request, and metrics by route."""

import json
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.raw_client import request, send
from tests.support.raw_upstream import OK, respond_with
from tests.support.scraping import scrape_uncached
from tests.support.waiting import until

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def log_lines(gateway, request_id):
    """Return the log lines of a request, after waiting for the first one."""

    def read():
        lines = [line for line in gateway.served.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line.get("request_id") == request_id]

    until(read)
    return read()


def metrics_text(gateway):
    return gateway.anonymous("GET", "/metrics").body.decode()


def samples(gateway):
    families = text_string_to_metric_families(scrape_uncached(lambda: metrics_text(gateway)))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def increased(name, before, after):
    """Return the labels of the counters with this name that have increased."""
    return [
        dict(labels)
        for (sample, labels), value in after.items()
        if sample == name and value > before.get((sample, labels), 0)
    ]


@pytest.mark.parametrize("sent", ["order-17", "!~", "a" * 128])
def test_the_request_id_of_the_caller_is_forwarded_and_returned(gateway, service, sent):
    response = gateway.get("/api/cars", f"X-Request-Id: {sent}")
    assert response.values("x-request-id") == [sent]
    assert service.requests[0].values("x-request-id") == [sent]


def test_requests_without_an_id_get_different_ids(gateway, service):
    request_ids = [gateway.get("/api/cars").value("x-request-id") for _ in range(3)]
    forwarded = [request.values("x-request-id") for request in service.requests]
    assert forwarded == [[request_id] for request_id in request_ids]
    assert len(set(request_ids)) == 3
    assert all(request_ids)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/healthz", 200), ("GET", "/api//cars", 404), ("GET", "/gone/a", 502), ("PUT", "/api/cars", 405)],
)
def test_responses_of_the_gateway_itself_have_the_request_id(gateway, method, target, status):
    response = gateway.call(method, target, "X-Request-Id: own-id")
    assert (response.status, response.values("x-request-id")) == (status, ["own-id"])
    assert status == 200 or response.json["request_id"] == "own-id"


def test_each_request_has_one_log_line(gateway, service):
    started = time.monotonic()
    gateway.call("PATCH", f"{CAR}?x=1", "X-Request-Id: line-1", body=b"{}")
    [line] = log_lines(gateway, "line-1")
    most = (time.monotonic() - started) * 1000
    assert {name: line[name] for name in ("client", "method", "path", "status", "service", "level")} == {
        "client": "booking",
        "method": "PATCH",
        "path": CAR,
        "status": 200,
        "service": "inventory",
        "level": "info",
    }
    assert 0 < line["upstream_milliseconds"] < most
    assert 0 <= line["own_milliseconds"] < most
    assert line["upstream_milliseconds"] + line["own_milliseconds"] == pytest.approx(line["milliseconds"], abs=0.01)


@pytest.mark.parametrize(
    ("name", "target", "status", "service_name"),
    [
        ("gone", "/gone/a", 502, "gone"),
        ("busy", "/busy/a", 504, "busy"),
        ("unknown path", "/api/nothing/here/at/all", 404, None),
        ("invalid path", "/api//cars", 404, None),
    ],
)
def test_a_failed_request_has_a_log_line(impatient_gateway, name, target, status, service_name):
    gateway = impatient_gateway.gateway
    request_id = f"failed-{name.replace(' ', '-')}"
    gateway.get(target, f"X-Request-Id: {request_id}")
    lines = [line for line in log_lines(gateway, request_id) if line["message"] == "request"]
    assert [(line["status"], line.get("service"), line["client"]) for line in lines] in (
        [(status, service_name, "booking")],
        # Rejected before authentication.
        [(status, service_name, None)],
    )
    assert service_name is None or "upstream_milliseconds" in lines[0]


def test_an_anonymous_request_has_no_client_in_the_log(gateway):
    head = request("GET", "/api/cars", None, "X-Request-Id: anonymous-1", "X-Client-Id: root")
    # Refusals are logged once a second for each address, so use an address that no other test uses.
    send(gateway.served.port, head, source="127.0.0.8")
    [line] = log_lines(gateway, "anonymous-1")
    assert (line["client"], line["status"]) == (None, 401)


def test_keys_tokens_and_queries_are_not_in_the_log(gateway, service):
    secrets = {
        "Authorization: Bearer invsys_00000000_wrong-key-in-the-clear": "wrong-key-in-the-clear",
        "Authorization: Bearer aaaa.token-in-the-clear.cccc": "token-in-the-clear",
        "Authorization: Basic cGFzc3dvcmQtaW4tdGhlLWNsZWFy": "cGFzc3dvcmQtaW4tdGhlLWNsZWFy",
        "Cookie: session=cookie-in-the-clear": "cookie-in-the-clear",
        "Idempotency-Key: order-in-the-clear": "order-in-the-clear",
    }
    for line in secrets:
        gateway.anonymous("GET", "/api/cars?token=query-in-the-clear", line)
    service.respond = respond_with(then="close")
    gateway.get("/api/cars", "Idempotency-Key: order-in-the-clear", "X-Request-Id: the-last-of-these")
    log_lines(gateway, "the-last-of-these")
    log = gateway.served.log.read_text()
    assert [secret for secret in (*secrets.values(), "query-in-the-clear") if secret in log] == []
    assert gateway.key not in log
    assert gateway.key.split("_", 2)[2] not in log


def test_a_path_cannot_forge_a_log_line(gateway):
    gateway.get('/api/a%0a{"forged":1}%0d%0a', "X-Request-Id: forged-1")
    [line] = [line for line in log_lines(gateway, "forged-1") if line["message"] == "request"]
    assert line["status"] == 404
    assert not [line for line in gateway.served.log.read_text().splitlines() if line.startswith('{"forged"')]


def test_requests_are_timed_by_route_pattern(gateway, service):
    before = samples(gateway)
    gateway.get(CAR)
    gateway.call("POST", "/api/lorries", body=b"{}")
    series = increased("http_request_duration_seconds_count", before, samples(gateway))
    routes = {
        (labels["method"], labels["status"]): labels["route"] for labels in series if labels["route"] != "/metrics"
    }
    assert set(routes) == {("GET", "200"), ("POST", "200")}
    assert all(route in ("/api/{collection}", "/api/{collection}/{resource_id}") for route in routes.values())


def test_upstream_requests_are_timed_by_service_and_outcome(gateway, service):
    before = samples(gateway)
    gateway.get(CAR)
    gateway.get("/gone/a")
    series = increased("gateway_upstream_duration_seconds_count", before, samples(gateway))
    assert {labels["service"] for labels in series} == {"inventory", "gone"}
    assert len({labels["outcome"] for labels in series}) == 2


def test_values_of_callers_are_not_in_the_metrics(gateway, service):
    service.respond = respond_with(OK)
    prefixes = ("/echo", "", "/api", "/api/")
    for target in (*(f"{prefix}/unknown-value" for prefix in prefixes), "/api/unknown-value/x", CAR):
        gateway.get(target, "X-Client-Id: unknown-value", "X-Request-Id: unknown-value", "User-Agent: unknown-value")
    gateway.call("UNKNOWN-VALUE", "/api/cars")
    text = scrape_uncached(lambda: metrics_text(gateway)).lower()
    assert "unknown-value" not in text
    assert CAR.rpartition("/")[2] not in text
