"""What operators see of each request: its id everywhere, one line of the log, and figures by route."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.raw_caller import ask, request
from tests.support.raw_upstream import OK, says
from tests.support.scraping import fresh
from tests.support.waiting import until

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def lines(door, request_id):
    """The lines of the log about a request, once there are any."""

    def found():
        told = [line for line in door.served.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, told) if line.get("request_id") == request_id]

    until(found, seconds=5)
    return found()


def figures(door):
    return door.anonymous("GET", "/metrics").body.decode()


def samples(door):
    families = text_string_to_metric_families(fresh(lambda: figures(door)))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def grown(before, after):
    """Give the labels of what was counted more often, by name."""
    return [
        (name, dict(labels))
        for (name, labels), value in after.items()
        if name.endswith("_count") and value > before.get((name, labels), 0)
    ]


@pytest.mark.parametrize("sent", ["order-17", "!~", "a" * 128])
def test_an_id_that_the_caller_gives_goes_all_the_way_and_back(door, behind, sent):
    answer = door.get("/api/cars", f"X-Request-Id: {sent}")
    assert answer.values("x-request-id") == [sent]
    assert behind.requests[0].values("x-request-id") == [sent]


def test_without_one_an_id_is_made_and_each_has_its_own(door, behind):
    made = [door.get("/api/cars").value("x-request-id") for _ in range(3)]
    assert [request.values("x-request-id") for request in behind.requests] == [[each] for each in made]
    assert len(set(made)) == 3
    assert all(made)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/healthz", 200), ("GET", "/api//cars", 404), ("GET", "/gone/a", 502), ("PUT", "/api/cars", 405)],
)
def test_every_answer_of_the_gateways_own_has_the_id_too(door, method, target, status):
    answer = door.call(method, target, "X-Request-Id: of-my-own")
    assert (answer.status, answer.values("x-request-id")) == (status, ["of-my-own"])
    assert status == 200 or answer.json["request_id"] == "of-my-own"


def test_each_request_has_one_line(door, behind):
    door.call("PATCH", f"{CAR}?x=1", "X-Request-Id: seen-1", body=b"{}")
    [line] = lines(door, "seen-1")
    assert {name: line[name] for name in ("client", "method", "path", "status", "service", "level")} == {
        "client": "booking",
        "method": "PATCH",
        "path": CAR,
        "status": 200,
        "service": "inventory",
        "level": "info",
    }
    assert 0 < line["upstream_milliseconds"] < 5000
    assert 0 <= line["own_milliseconds"] < 5000
    assert line["upstream_milliseconds"] + line["own_milliseconds"] == pytest.approx(line["milliseconds"], abs=0.01)


@pytest.mark.parametrize(
    ("name", "target", "status", "service"),
    [
        ("gone", "/gone/a", 502, "gone"),
        ("busy", "/busy/a", 504, "busy"),
        ("nothing", "/api/nothing/here/at/all", 404, None),
        ("not plain", "/api//cars", 404, None),
    ],
)
def test_what_failed_has_its_line_too(door, behind, name, target, status, service):
    request_id = f"failed-{name.replace(' ', '-')}"
    door.get(target, f"X-Request-Id: {request_id}")
    found = [line for line in lines(door, request_id) if line["message"] == "request"]
    assert [(line["status"], line.get("service"), line["client"]) for line in found] in (
        [(status, service, "booking")],
        # What is refused before anybody looks who asks.
        [(status, service, None)],
    )
    assert service is None or "upstream_milliseconds" in found[0]


def test_whoever_is_not_known_has_no_name_in_the_log(door):
    head = request("GET", "/api/cars", None, "X-Request-Id: nobody-1", "X-Client-Id: root")
    # Refusals of one address are logged once in a second: no other test has this address.
    ask(door.served.port, head, source="127.0.0.8")
    [line] = lines(door, "nobody-1")
    assert (line["client"], line["status"]) == (None, 401)


def test_no_key_no_token_and_no_query_is_in_the_log(door, behind):
    secrets = {
        "Authorization: Bearer invsys_00000000_wrong-key-in-the-clear": "wrong-key-in-the-clear",
        "Authorization: Bearer aaaa.token-in-the-clear.cccc": "token-in-the-clear",
        "Authorization: Basic cGFzc3dvcmQtaW4tdGhlLWNsZWFy": "cGFzc3dvcmQtaW4tdGhlLWNsZWFy",
        "Cookie: session=cookie-in-the-clear": "cookie-in-the-clear",
        "Idempotency-Key: order-in-the-clear": "order-in-the-clear",
    }
    for line in secrets:
        door.anonymous("GET", "/api/cars?token=query-in-the-clear", line)
    behind.answer = says(then="closes")
    door.get("/api/cars", "Idempotency-Key: order-in-the-clear", "X-Request-Id: the-last-of-these")
    lines(door, "the-last-of-these")
    log = door.served.log.read_text()
    assert [secret for secret in (*secrets.values(), "query-in-the-clear") if secret in log] == []
    assert door.key not in log
    assert door.key.split("_", 2)[2] not in log


def test_a_line_stays_one_line_whatever_is_in_the_path(door):
    door.get('/api/a%0a{"forged":1}%0d%0a', "X-Request-Id: forged-1")
    [line] = [line for line in lines(door, "forged-1") if line["message"] == "request"]
    assert line["status"] == 404
    assert not [each for each in door.served.log.read_text().splitlines() if each.startswith('{"forged"')]


def test_requests_are_timed_by_the_pattern_of_their_route(door, behind):
    before = samples(door)
    door.get(CAR)
    door.call("POST", "/api/lorries", body=b"{}")
    found = [labels for name, labels in grown(before, samples(door)) if name == "http_request_duration_seconds_count"]
    routes = {
        (labels["method"], labels["status"]): labels["route"] for labels in found if labels["route"] != "/metrics"
    }
    assert set(routes) == {("GET", "200"), ("POST", "200")}
    assert all(route.startswith("/api/<") for route in routes.values())


def test_the_service_is_timed_beside(door, behind):
    before = samples(door)
    door.get(CAR)
    door.get("/gone/a")
    found = [
        labels for name, labels in grown(before, samples(door)) if name == "gateway_upstream_duration_seconds_count"
    ]
    assert {labels["service"] for labels in found} == {"inventory", "gone"}
    assert len({labels["outcome"] for labels in found}) == 2


def test_what_callers_write_makes_no_series(door, behind):
    behind.answer = says(OK)
    made_up = ("/echo/made-up-one", "/made-up-one", "/api/made-up-one", "/api/made-up-one/x", "/api//made-up-one", CAR)
    for target in made_up:
        door.get(target, "X-Client-Id: made-up-one", "X-Request-Id: made-up-one", "User-Agent: made-up-one")
    door.call("MADE-UP-ONE", "/api/cars")
    said = fresh(lambda: figures(door)).lower()
    assert "made-up-one" not in said
    assert CAR.rpartition("/")[2] not in said
