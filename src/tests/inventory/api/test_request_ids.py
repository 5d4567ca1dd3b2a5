"""The request ids in the change feed: each event names the request that made the change."""

import pytest

from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

LONGEST = "~" * 128


@pytest.fixture
def request_ids(client):
    """Return a function that returns the kind and the request id of each new event."""
    reader = FeedReader(client)
    return lambda: [(event["kind"], event["request_id"]) for event in reader.new_events()]


@pytest.mark.through_gateway
def test_each_event_has_the_id_of_the_request_that_made_the_change(client, request_ids):
    def send(method, url, request_id, **body):
        response = client.open(url, method=method, headers={"X-Request-Id": request_id}, **body)
        assert response.headers["X-Request-Id"] == request_id
        return response.headers.get("Location")

    car = send("POST", "/api/cars", "register", json={"name": "Car1"})
    send("PATCH", car, "rename", json={"name": "Car2"})
    booking = send("POST", f"{car}/allocations", "<allocate>", json=period_fields(10, 12))
    any_booking = send("POST", "/api/cars/any/allocations", "any", json={**period_fields(12, 13), "hold_seconds": 60})
    send("PATCH", any_booking, "confirm", json={"status": "confirmed"})
    send("PATCH", booking, LONGEST, json={"description": "changed"})
    for url in (booking, any_booking):
        send("DELETE", url, "deallocate")
    send("DELETE", car, "decommission")
    assert request_ids() == [
        ("resource_registered", "register"),
        ("resource_changed", "rename"),
        ("allocated", "<allocate>"),
        ("allocated", "any"),
        ("confirmed", "confirm"),
        ("allocation_changed", LONGEST),
        *[("deallocated", "deallocate")] * 2,
        ("resource_decommissioned", "decommission"),
    ]


@pytest.mark.parametrize("sent", [None, "not valid", "é", "~" * 129])
def test_without_a_valid_id_the_event_has_the_generated_one(client, request_ids, sent):
    headers = {} if sent is None else {"X-Request-Id": sent}
    response = client.post("/api/cars", json={"name": "Car1"}, headers=headers)
    assert request_ids() == [("resource_registered", response.headers["X-Request-Id"])]


def test_all_vehicles_of_one_request_have_its_id_and_a_replay_keeps_it(client, register, request_ids):
    for number in range(3):
        register(f"Car{number}")
    request_ids()
    body = {**period_fields(10, 12), "quantity": 3}
    for request_id in ("first", "repeated"):
        headers = {"X-Request-Id": request_id, "Idempotency-Key": "order-1"}
        response = client.post("/api/cars/any/allocations", json=body, headers=headers)
        assert (response.status_code, response.headers["X-Request-Id"]) == (201, request_id)
    assert request_ids() == [("allocated", "first")] * 3


def test_the_expiry_of_a_hold_has_no_request_id(app, client, car, allocate, request_ids):
    allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    allocate(car, hour_start(12), hour_start(13), hold_seconds=60)
    request_ids()
    let_holds_expire(app)
    new = client.post(f"{car}/allocations", json=period_fields(9, 11), headers={"X-Request-Id": "new"})
    assert new.status_code == 201
    # The first hold is deleted because it blocks the period, the second one because the feed is read.
    assert sorted(request_ids(), key=str) == [("allocated", "new"), ("expired", None), ("expired", None)]


def test_a_decommissioning_ends_holds_under_its_own_id(client, car, allocate, request_ids):
    allocate(car, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", hold_seconds=60)
    request_ids()
    assert client.delete(car, headers={"X-Request-Id": "end"}).status_code == 204
    assert request_ids() == [("deallocated", "end"), ("resource_decommissioned", "end")]
