"""Safe retries: an order sent again under its Idempotency-Key gets the first answer, and nothing happens twice."""

import json
from xml.etree import ElementTree as ET

import pytest

from tests.support.instants import at, let_holds_expire, period_fields

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
def order(request, car, register):
    """Where each kind of order goes, and its body."""
    register("Car2")
    path, body = ORDERS[request.param]
    return path.format(car=car), body


@pytest.fixture
def send(client):
    """Send a body under a key."""

    def send(path, body, key="key-1", **headers):
        return client.post(path, json=body, headers={"Idempotency-Key": key, **headers})

    return send


def is_the_first_answer_again(first, again):
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.data == first.data
    for header in ("Location", "ETag", "Content-Type"):
        assert again.headers.get(header) == first.headers.get(header), header
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_same_order_gets_the_first_answer_again(client, order, send, nothing_changes):
    first = send(*order)
    with nothing_changes():
        for _ in range(3):
            is_the_first_answer_again(first, send(*order))


def test_what_is_answered_is_what_is_there(client, car, send):
    path, body = ALLOCATION
    first = send(path.format(car=car), body)
    read = client.get(first.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (first.json, first.headers["ETag"])


def test_a_replay_has_a_request_id_of_its_own(order, send):
    responses = [send(*order, **{"X-Request-Id": request_id}) for request_id in ("first", "second")]
    assert [response.headers["X-Request-Id"] for response in responses] == ["first", "second"]


def test_without_a_key_nothing_is_replayed(client, car, refused):
    first, second = (client.post(f"{car}/allocations", json=PERIOD) for _ in range(2))
    assert "Idempotency-Replayed" not in first.headers
    refused(second, 409, "period_taken")


def test_another_key_is_another_order(car, register, send):
    register("Car2")
    made = [send("/api/cars/any/allocations", PERIOD, key) for key in ("one", "two")]
    assert [response.status_code for response in made] == [201, 201]
    assert made[0].json["resource_id"] != made[1].json["resource_id"]


def test_blanks_and_the_order_of_members_do_not_matter(client, car):
    path, body = f"{car}/allocations", ALLOCATION[1]
    turned = dict(reversed(body.items())) | {"dump": {"b": {"d": 1, "c": 2}, "a": "é"}}
    straight = body | {"dump": {"a": "é", "b": {"c": 2, "d": 1}}}
    written = [json.dumps(straight), json.dumps(turned, indent=3, ensure_ascii=False)]
    first, again = (
        client.post(path, data=text.encode(), content_type="application/json", headers={"Idempotency-Key": "k"})
        for text in written
    )
    is_the_first_answer_again(first, again)


@pytest.mark.parametrize("fields", [{"description": "Changed", "to_datetime": at(14)}, {"dump": {"b": 2}}])
def test_an_allocation_that_was_changed_is_replayed_as_it_was(client, car, send, fields):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    changed = client.patch(first.headers["Location"], json=fields)
    is_the_first_answer_again(first, send(path, body))
    read = client.get(first.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (changed.json, changed.headers["ETag"])


def test_an_allocation_that_was_deleted_is_replayed_and_stays_deleted(client, car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    client.delete(first.headers["Location"])
    is_the_first_answer_again(first, send(path, body))
    assert client.get("/api/cars/all/allocations").json == []


def test_a_vehicle_that_was_decommissioned_is_replayed_and_stays_away(client, send):
    first = send(*ORDERS["a vehicle"])
    client.delete(first.headers["Location"])
    is_the_first_answer_again(first, send(*ORDERS["a vehicle"]))
    assert client.get("/api/cars").json == []


def test_an_order_for_a_vehicle_that_went_meanwhile_is_replayed(client, car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    client.delete(first.headers["Location"])
    client.delete(car)
    is_the_first_answer_again(first, send(path, body))


@pytest.mark.parametrize("kind", ["an allocation", "any vehicle", "several vehicles"])
def test_a_hold_that_expired_is_replayed_as_it_was(app, client, car, register, send, kind):
    register("Car2")
    path, body = ORDERS[kind][0].format(car=car), ORDERS[kind][1] | {"hold_seconds": 60}
    first = send(path, body)
    let_holds_expire(app)
    is_the_first_answer_again(first, send(path, body))
    assert client.get("/api/cars/all/allocations").json == []


def test_xml_is_replayed_as_xml(order, send, nothing_changes):
    xml = {"Accept": "application/xml"}
    first = send(*order, **xml)
    assert first.mimetype == "application/xml"
    with nothing_changes():
        is_the_first_answer_again(first, send(*order, **xml))


def test_an_order_in_json_can_be_asked_for_again_in_xml(car, send):
    path, body = f"{car}/allocations", ALLOCATION[1]
    first = send(path, body)
    again = send(path, body, Accept="application/xml")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.headers["Location"] == first.headers["Location"]
    assert ET.fromstring(again.data).findtext("id") == first.json["id"]
