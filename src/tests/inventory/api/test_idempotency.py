"""Safe retries: a request repeated with its Idempotency-Key gets the first response and is not executed again."""

import json
from xml.etree import ElementTree as ET

import pytest

from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields

pytestmark = pytest.mark.through_gateway

PERIOD = period_fields(10, 12)
ORDERS = {
    "a vehicle": ("/api/cars", {"name": "Car9", "attributes": {"seats": 4}}),
    "an allocation": ("{car}/allocations", PERIOD | {"dump": {"a": [1.0, None]}, "description": "New"}),
    "a hold": ("{car}/allocations", PERIOD | {"hold_seconds": 60}),
    "any vehicle": ("/api/cars/any/allocations", PERIOD | {"attributes": {}}),
    "several vehicles": ("/api/cars/any/allocations", PERIOD | {"quantity": 2}),
}
ALLOCATION = ORDERS["an allocation"]


@pytest.fixture(params=ORDERS)
def request_and_body(request, car, register):
    """The path and the body of a request; the test runs for every kind of request in ``ORDERS``."""
    register("Car2")
    path, body = ORDERS[request.param]
    return path.format(car=car), body


@pytest.fixture
def send(client):
    """Return a function that posts a body with an Idempotency-Key."""

    def send(path, body, key="key-1", **headers):
        return client.post(path, json=body, headers={"Idempotency-Key": key, **headers})

    return send


def assert_replayed(first, replay):
    assert (first.status_code, replay.status_code) == (201, 201), replay.text
    assert replay.data == first.data
    for header in ("Location", "ETag", "Content-Type"):
        assert replay.headers.get(header) == first.headers.get(header), header
    assert "Idempotency-Replayed" not in first.headers
    assert replay.headers["Idempotency-Replayed"] == "true"


def test_a_repeated_request_gets_the_first_response(client, request_and_body, send, nothing_changes):
    first = send(*request_and_body)
    with nothing_changes():
        for _ in range(3):
            assert_replayed(first, send(*request_and_body))


def test_the_response_shows_the_stored_allocation(client, car, send):
    path, body = ALLOCATION
    first = send(path.format(car=car), body)
    read = client.get(first.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (first.json, first.headers["ETag"])


def test_a_replay_has_its_own_request_id(request_and_body, send):
    responses = [send(*request_and_body, **{"X-Request-Id": request_id}) for request_id in ("first", "second")]
    assert [response.headers["X-Request-Id"] for response in responses] == ["first", "second"]


def test_without_a_key_nothing_is_replayed(client, car, refused):
    first, second = (client.post(f"{car}/allocations", json=PERIOD) for _ in range(2))
    assert "Idempotency-Replayed" not in first.headers
    refused(second, 409, "period_taken")


def test_a_request_with_another_key_is_executed(car, register, send):
    register("Car2")
    responses = [send("/api/cars/any/allocations", PERIOD, key) for key in ("one", "two")]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json["resource_id"] != responses[1].json["resource_id"]


def test_spaces_and_the_order_of_members_do_not_matter(client, car):
    path, body = f"{car}/allocations", ALLOCATION[1]
    reordered = dict(reversed(body.items())) | {"dump": {"b": {"d": 1, "c": 2}, "a": "é"}}
    original = body | {"dump": {"a": "é", "b": {"c": 2, "d": 1}}}
    texts = [json.dumps(original), json.dumps(reordered, indent=3, ensure_ascii=False)]
    first, replay = (
        client.post(path, data=text.encode(), content_type="application/json", headers={"Idempotency-Key": "k"})
        for text in texts
    )
    assert_replayed(first, replay)


@pytest.mark.parametrize("fields", [{"description": "Changed", "to_datetime": hour_start(14)}, {"dump": {"b": 2}}])
def test_a_replay_shows_a_changed_allocation_as_it_was_created(client, car, send, fields):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    changed = client.patch(first.headers["Location"], json=fields)
    assert_replayed(first, send(path, body))
    read = client.get(first.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (changed.json, changed.headers["ETag"])


def test_a_replay_of_a_deleted_allocation_does_not_restore_it(client, car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    client.delete(first.headers["Location"])
    assert_replayed(first, send(path, body))
    assert client.get("/api/cars/all/allocations").json == []


def test_a_replay_of_a_decommissioned_vehicle_does_not_restore_it(client, send):
    first = send(*ORDERS["a vehicle"])
    client.delete(first.headers["Location"])
    assert_replayed(first, send(*ORDERS["a vehicle"]))
    assert client.get("/api/cars").json == []


def test_a_request_is_replayed_after_its_vehicle_was_decommissioned(client, car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    client.delete(first.headers["Location"])
    client.delete(car)
    assert_replayed(first, send(path, body))


@pytest.mark.parametrize("kind", ["an allocation", "any vehicle", "several vehicles"])
def test_a_replay_shows_an_expired_hold_as_it_was_created(app, client, car, register, send, kind):
    register("Car2")
    path, body = ORDERS[kind][0].format(car=car), ORDERS[kind][1] | {"hold_seconds": 60}
    first = send(path, body)
    let_holds_expire(app)
    assert_replayed(first, send(path, body))
    assert client.get("/api/cars/all/allocations").json == []


@pytest.mark.one_engine
def test_xml_is_replayed_as_xml(request_and_body, send, nothing_changes):
    xml = {"Accept": "application/xml"}
    first = send(*request_and_body, **xml)
    assert first.mimetype == "application/xml"
    with nothing_changes():
        assert_replayed(first, send(*request_and_body, **xml))


@pytest.mark.one_engine
def test_a_replay_can_be_requested_in_another_format(car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    replay = send(path, body, Accept="application/xml")
    assert (replay.status_code, replay.headers["Idempotency-Replayed"]) == (201, "true")
    assert replay.headers["Location"] == first.headers["Location"]
    assert ET.fromstring(replay.data).findtext("id") == first.json["id"]
