"""The log line of a request that creates or changes items has their ids."""

import json
import logging

import pytest

from invsys.chassis.ops import request_log
from tests.support.hours_in_2099 import period_fields

ANY = "/api/cars/any/allocations"
CHANGES = "/api/cars/all/allocations/changes"


@pytest.fixture
def post(client, tmp_path, monkeypatch):
    """Return a function that sends a POST, and returns the response and the request's line in the log.

    Through a gateway, the log has the lines of both services; the inventory's line has the ids.
    """
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    file = tmp_path / "log"
    request_log.configure({"level": "info", "file": str(file)})

    def post(url, body, **headers):
        file.write_text("")
        response = client.post(url, json=body, headers={"X-Request-Id": "the-order", **headers})
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        # The gateway logs the same request with the same route.
        assert {line["route"] for line in lines} == {lines[0]["route"]}
        assert {line["request_id"] for line in lines} == {"the-order"}
        [line] = [line for line in lines if "service" not in line]
        return response, line

    yield post
    request_log.configure({"level": "warning", "file": ""})


def ids(line):
    return {name: line.get(name) for name in ("items", "resource_ids", "allocation_ids", "replayed")}


@pytest.mark.through_gateway
def test_the_line_of_an_order_has_the_ids_that_it_created(post):
    response, line = post("/api/cars", {"name": "Car1"})
    car = response.json["id"]
    assert ids(line) == {"items": 1, "resource_ids": [car], "allocation_ids": None, "replayed": None}
    assert line["route"] == "/api/{collection}"
    response, line = post(f"/api/cars/{car}/allocations", period_fields(10, 12))
    allocation = response.json["id"]
    assert ids(line) == {"items": 1, "resource_ids": [car], "allocation_ids": [allocation], "replayed": None}
    assert line["route"] == "/api/{collection}/{resource_id}/allocations"
    _, line = post(CHANGES, {"changes": [{"id": allocation, "description": "x"}]})
    assert ids(line) == {"items": 1, "resource_ids": [car], "allocation_ids": [allocation], "replayed": None}


def test_the_line_of_a_replayed_order_says_so(post, car):
    order = [ANY, period_fields(10, 12)]
    first, second = (post(*order, **{"Idempotency-Key": "order-1"})[1] for _ in range(2))
    assert first["allocation_ids"] == second["allocation_ids"]
    assert (first.get("replayed"), second.get("replayed")) == (None, True)


def test_the_line_of_a_large_order_has_its_first_20_ids_and_their_number(post, register):
    for number in range(21):
        register(f"Car{number}")
    response, line = post(ANY, {**period_fields(10, 12), "quantity": 21})
    expected = {"items": 21, "allocation_ids": [item["id"] for item in response.json][:20]}
    assert {name: line[name] for name in expected} == expected
    assert line["resource_ids"] == [item["resource_id"] for item in response.json][:20]


@pytest.mark.parametrize("body", [{}, period_fields(12, 10)])
def test_the_line_of_a_refused_order_has_no_ids(post, car, body):
    response, line = post(f"{car}/allocations", body)
    assert response.status_code == 422
    assert ids(line) == dict.fromkeys(ids(line))
