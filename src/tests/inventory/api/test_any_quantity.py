"""Several vehicles with one order: all of them or none."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.instants import at, let_holds_expire, period_fields

ANY = "/api/cars/any"
PERIOD = period_fields(10, 12)


@pytest.fixture
def five(register):
    """The ids of five free cars."""
    return [register(f"Car{number}", attributes={"even": number % 2 == 0})[-36:] for number in range(5)]


def by_id(allocations):
    return sorted(allocations, key=lambda one: one["id"])


@pytest.mark.parametrize("quantity", [2, 3, 5])
def test_that_many_vehicles_are_taken(client, five, allocate, quantity):
    made = allocate(ANY, at(10), at(12), quantity=quantity, description="Convoy", allocation_type="convoy")
    assert made.status_code == 201, made.text
    assert len({one["resource_id"] for one in made.json}) == len({one["id"] for one in made.json}) == quantity
    assert {one["resource_id"] for one in made.json} <= set(five)
    for one in made.json:
        assert one == client.get(f"/api/cars/{one['resource_id']}/allocations/{one['id']}").json
        assert one.items() >= (PERIOD | {"description": "Convoy", "allocation_type": "convoy"}).items()
    assert by_id(client.get("/api/cars/all/allocations").json) == by_id(made.json)


def test_an_array_has_no_place_and_no_version(five, allocate):
    made = allocate(ANY, at(10), at(12), quantity=2)
    assert isinstance(made.json, list)
    assert "Location" not in made.headers
    assert "ETag" not in made.headers


def test_it_is_all_or_none(five, allocate, refused, nothing_changes):
    with nothing_changes():
        refused(allocate(ANY, at(10), at(12), quantity=6), 409, "none_available")
    assert allocate(ANY, at(10), at(12), quantity=3).status_code == 201
    with nothing_changes():
        refused(allocate(ANY, at(11), at(13), quantity=3), 409, "none_available")
    assert allocate(ANY, at(11), at(13), quantity=2).status_code == 201
    with nothing_changes():
        refused(allocate(ANY, at(10), at(13), quantity=2), 409, "none_available")
    assert allocate(ANY, at(13), None, quantity=5).status_code == 201


def test_a_refusal_does_not_say_how_many_are_free(register, allocate, refused):
    details = set()
    for number in range(3):
        details.add(refused(allocate(ANY, at(10), at(12), quantity=4), 409, "none_available")["detail"])
        register(f"Car{number}")
    assert len(details) == 1


def test_a_hundred_at_once(client, register, allocate):
    for number in range(100):
        register(f"Car{number}")
    made = allocate(ANY, None, None, quantity=100)
    assert made.status_code == 201, made.text
    assert len({one["resource_id"] for one in made.json}) == 100


def test_all_of_them_have_the_attributes(five, allocate, refused):
    made = allocate(ANY, at(10), at(12), quantity=3, attributes={"even": True})
    assert sorted(one["resource_id"] for one in made.json) == sorted(five[::2])
    refused(allocate(ANY, at(10), at(12), quantity=3, attributes={"even": False}), 409, "none_available")
    assert allocate(ANY, at(10), at(12), quantity=2, attributes={"even": False}).status_code == 201


def test_all_of_them_are_held_and_each_is_confirmed_by_itself(app, client, five, allocate):
    made = allocate(ANY, at(10), at(12), quantity=5, hold_seconds=60).json
    assert {one["status"] for one in made} == {"held"}
    kept = f"/api/cars/all/allocations/{made[0]['id']}"
    assert client.patch(kept, json={"status": "confirmed"}).status_code == 200
    let_holds_expire(app)
    assert client.get("/api/cars/all/allocations").json == [client.get(kept).json]
    assert allocate(ANY, at(10), at(12), quantity=4).status_code == 201


def test_decommissioned_vehicles_do_not_count(client, five, allocate, refused):
    client.delete(f"/api/cars/{five[2]}")
    refused(allocate(ANY, at(10), at(12), quantity=5), 409, "none_available")
    assert allocate(ANY, at(10), at(12), quantity=4).status_code == 201


def test_other_collections_do_not_count(client, five, register, allocate, refused):
    register("Lorry1", "lorries")
    refused(allocate("/api/lorries/any", at(10), at(12), quantity=2), 409, "none_available")
    lorries = {register("Lorry2", "lorries")[-36:], client.get("/api/lorries").json[0]["id"]}
    made = allocate("/api/lorries/any", at(10), at(12), quantity=2)
    assert {one["resource_id"] for one in made.json} == lorries


@pytest.mark.parametrize("quantity", [0, 1, -1, -2, 101, 2**63 - 1, 2.5, "2", "", True, False, None, [], [2], {}])
def test_any_other_quantity_is_refused(five, allocate, refused, nothing_changes, quantity):
    with nothing_changes():
        refused(allocate(ANY, at(10), at(12), quantity=quantity), 422, "invalid_fields", "quantity")


def test_xml_has_them_as_allocations(client, five):
    body = PERIOD | {"quantity": 2}
    made = client.post(f"{ANY}/allocations", json=body, headers={"Accept": "application/xml"})
    found = ET.fromstring(made.data)
    assert (made.status_code, found.tag) == (201, "allocations")
    assert [child.tag for child in found] == ["allocation"] * 2
    assert {child.findtext("resource_id") for child in found} <= set(five)


@pytest.mark.direct("the gateway counts by it, and does not pass it on")
def test_the_number_of_changes_is_sent_once(client, five):
    body = PERIOD | {"quantity": 3}
    first, again = (
        client.post(f"{ANY}/allocations", json=body, headers={"Idempotency-Key": "order-1"}) for _ in range(2)
    )
    assert (first.headers.get("X-Changes"), again.headers.get("X-Changes")) == ("3", None)
    assert "X-Changes" not in client.post(f"{ANY}/allocations", json=PERIOD).headers
