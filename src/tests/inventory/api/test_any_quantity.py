"""Requests for several vehicles at once: a request gets all of the vehicles or none."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.hours_in_2099 import hour_start, let_holds_expire, period_fields
from tests.support.tables import table_driven

ANY = "/api/cars/any"
PERIOD = period_fields(10, 12)


@pytest.fixture
def five_cars(register):
    """The ids of five free cars."""
    return [register(f"Car{number}", attributes={"even": number % 2 == 0})[-36:] for number in range(5)]


def by_id(allocations):
    return sorted(allocations, key=lambda allocation: allocation["id"])


@pytest.mark.through_gateway
@pytest.mark.parametrize("quantity", [2, 3, 5])
def test_the_requested_number_of_vehicles_is_allocated(client, five_cars, allocate, quantity):
    response = allocate(
        ANY, hour_start(10), hour_start(12), quantity=quantity, description="Convoy", allocation_type="convoy"
    )
    assert response.status_code == 201, response.text
    assert len({row["resource_id"] for row in response.json}) == len({row["id"] for row in response.json}) == quantity
    assert {row["resource_id"] for row in response.json} <= set(five_cars)
    for row in response.json:
        assert row == client.get(f"/api/cars/{row['resource_id']}/allocations/{row['id']}").json
        assert row.items() >= (PERIOD | {"description": "Convoy", "allocation_type": "convoy"}).items()
    assert by_id(client.get("/api/cars/all/allocations").json) == by_id(response.json)


@pytest.mark.one_engine
def test_an_array_has_no_location_and_no_etag(five_cars, allocate):
    response = allocate(ANY, hour_start(10), hour_start(12), quantity=2)
    assert isinstance(response.json, list)
    assert "Location" not in response.headers
    assert "ETag" not in response.headers


def test_the_request_gets_all_vehicles_or_none(five_cars, allocate, refused, nothing_changes):
    with nothing_changes():
        refused(allocate(ANY, hour_start(10), hour_start(12), quantity=6), 409, "none_available")
    assert allocate(ANY, hour_start(10), hour_start(12), quantity=3).status_code == 201
    with nothing_changes():
        refused(allocate(ANY, hour_start(11), hour_start(13), quantity=3), 409, "none_available")
    assert allocate(ANY, hour_start(11), hour_start(13), quantity=2).status_code == 201
    with nothing_changes():
        refused(allocate(ANY, hour_start(10), hour_start(13), quantity=2), 409, "none_available")
    assert allocate(ANY, hour_start(13), None, quantity=5).status_code == 201


def test_a_refusal_does_not_say_how_many_are_free(register, allocate, refused):
    details = set()
    for number in range(3):
        details.add(refused(allocate(ANY, hour_start(10), hour_start(12), quantity=4), 409, "none_available")["detail"])
        register(f"Car{number}")
    assert len(details) == 1


def test_a_hundred_vehicles_can_be_allocated_with_one_request(client, register, allocate):
    for number in range(100):
        register(f"Car{number}")
    response = allocate(ANY, None, None, quantity=100)
    assert response.status_code == 201, response.text
    assert len({row["resource_id"] for row in response.json}) == 100


def test_all_allocated_vehicles_have_the_attributes(five_cars, allocate, refused):
    response = allocate(ANY, hour_start(10), hour_start(12), quantity=3, attributes={"even": True})
    assert sorted(row["resource_id"] for row in response.json) == sorted(five_cars[::2])
    refused(
        allocate(ANY, hour_start(10), hour_start(12), quantity=3, attributes={"even": False}), 409, "none_available"
    )
    assert allocate(ANY, hour_start(10), hour_start(12), quantity=2, attributes={"even": False}).status_code == 201


def test_all_vehicles_are_held_and_each_hold_is_confirmed_separately(app, client, five_cars, allocate):
    response = allocate(ANY, hour_start(10), hour_start(12), quantity=5, hold_seconds=60).json
    assert {row["status"] for row in response} == {"held"}
    confirmed = f"/api/cars/all/allocations/{response[0]['id']}"
    assert client.patch(confirmed, json={"status": "confirmed"}).status_code == 200
    let_holds_expire(app)
    assert client.get("/api/cars/all/allocations").json == [client.get(confirmed).json]
    assert allocate(ANY, hour_start(10), hour_start(12), quantity=4).status_code == 201


def test_decommissioned_vehicles_do_not_count(client, five_cars, allocate, refused):
    client.delete(f"/api/cars/{five_cars[2]}")
    refused(allocate(ANY, hour_start(10), hour_start(12), quantity=5), 409, "none_available")
    assert allocate(ANY, hour_start(10), hour_start(12), quantity=4).status_code == 201


def test_other_collections_do_not_count(client, five_cars, register, allocate, refused):
    register("Lorry1", "lorries")
    refused(allocate("/api/lorries/any", hour_start(10), hour_start(12), quantity=2), 409, "none_available")
    lorries = {register("Lorry2", "lorries")[-36:], client.get("/api/lorries").json[0]["id"]}
    response = allocate("/api/lorries/any", hour_start(10), hour_start(12), quantity=2)
    assert {row["resource_id"] for row in response.json} == lorries


@pytest.mark.one_engine
@table_driven("quantity", [0, 1, -1, -2, 101, 2**63 - 1, 2.5, "2", "", True, False, None, [], [2], {}])
def test_any_other_quantity_is_refused(five_cars, allocate, refused, nothing_changes, quantity):
    with nothing_changes():
        refused(allocate(ANY, hour_start(10), hour_start(12), quantity=quantity), 422, "invalid_fields", "quantity")


@pytest.mark.one_engine
def test_xml_contains_the_same_allocations(client, five_cars):
    body = PERIOD | {"quantity": 2}
    response = client.post(f"{ANY}/allocations", json=body, headers={"Accept": "application/xml"})
    root = ET.fromstring(response.data)
    assert (response.status_code, root.tag) == (201, "allocations")
    assert [child.tag for child in root] == ["allocation"] * 2
    assert {child.findtext("resource_id") for child in root} <= set(five_cars)


@pytest.mark.one_engine
def test_x_changes_is_sent_only_for_the_first_execution(client, five_cars):
    body = PERIOD | {"quantity": 3}
    first, replay = (
        client.post(f"{ANY}/allocations", json=body, headers={"Idempotency-Key": "order-1"}) for _ in range(2)
    )
    assert (first.headers.get("X-Changes"), replay.headers.get("X-Changes")) == ("3", None)
    assert "X-Changes" not in client.post(f"{ANY}/allocations", json=PERIOD).headers
