"""Changes of a vehicle's name and attributes."""

import pytest

from tests.inventory.api.test_resources import ATTRIBUTES, BAD_ATTRIBUTES, BAD_NAMES, NAMES
from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
JSON = "application/json"


@pytest.fixture
def changed(client):
    """Return a function that changes a vehicle, and compares the response with the stored vehicle."""

    def changed(url, **fields):
        response = client.patch(url, json=fields)
        assert response.status_code == 200, response.text
        read = client.get(url)
        assert (read.json, read.headers["ETag"]) == (response.json, response.headers["ETag"])
        return response.json

    return changed


@pytest.mark.parametrize("name", NAMES)
def test_a_vehicle_can_be_renamed(client, register, changed, name):
    car = register("Car1", attributes={"seats": 4})
    before = client.get(car)
    assert changed(car, name=name) == before.json | {"name": name, "version": 2}
    assert client.get(car).headers["ETag"] != before.headers["ETag"]
    assert [vehicle["id"] for vehicle in client.get("/api/cars", query_string={"name": name}).json] == [car[-36:]]
    assert client.get("/api/cars?name=Car1").json == []


@pytest.mark.parametrize("attributes", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_are_replaced_as_a_whole(client, register, changed, attributes):
    car = register("Car1", attributes={"city": "Leeds", "old": True})
    before = client.get(car).json
    after = changed(car, attributes=attributes)
    assert after == before | {"attributes": attributes, "version": 2}
    types = {key: type(value) for key, value in after["attributes"].items()}
    assert types == {key: type(attributes[key]) for key in types}


def test_name_and_attributes_can_change_with_one_request(client, car, changed):
    fields = {"name": "Car2", "attributes": {"seats": 4}}
    assert changed(car, **fields) == client.get(car).json
    assert client.get(car).json.items() >= fields.items()


@pytest.mark.parametrize(
    "fields", [{}, {"name": "Car1"}, {"attributes": {"a": 1}}, {"name": "Car1", "attributes": {"a": 1}}]
)
def test_a_request_without_changes_keeps_the_etag(client, register, changed, fields):
    car = register("Car1", attributes={"a": 1})
    before = client.get(car)
    assert changed(car, **fields) == before.json
    assert client.get(car).headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize("value", [True, "1"])
def test_a_value_of_another_type_is_a_change(client, register, changed, value):
    car = register("Car1", attributes={"a": 1})
    etag = client.get(car).headers["ETag"]
    assert repr(changed(car, attributes={"a": value})["attributes"]["a"]) == repr(value)
    assert client.get(car).headers["ETag"] != etag


def test_the_old_name_can_be_used_by_another_vehicle(client, car, register, changed):
    changed(car, name="Car2")
    other = register("Car1")
    assert changed(other, name="Car3")["name"] == "Car3"
    assert changed(car, name="Car1")["name"] == "Car1"


def test_the_name_of_another_vehicle_in_circulation_is_refused(client, car, register, refused, nothing_changes):
    register("Car2")
    with nothing_changes():
        refused(client.patch(car, json={"name": "Car2", "attributes": {"a": 1}}), 409, "name_taken")


@pytest.mark.parametrize("where", ["another type", "decommissioned"])
def test_names_of_other_types_and_decommissioned_vehicles_can_be_used(client, car, register, changed, where):
    if where == "another type":
        register("Same", "lorries")
    else:
        client.delete(register("Same"))
    assert changed(car, name="Same")["name"] == "Same"


def test_allocations_do_not_change_with_their_vehicle(client, car, booking, changed):
    before = client.get(booking)
    changed(car, name="Car2", attributes={"a": 1})
    after = client.get(booking)
    assert (after.json, after.headers["ETag"]) == (before.json, before.headers["ETag"])


@pytest.mark.one_engine
@table_driven("name", [*BAD_NAMES, "🚗" * 37, None, 1, 1.5, True, [], {}, ["Car1"]])
def test_any_other_name_is_refused(client, car, refused, nothing_changes, name):
    with nothing_changes():
        refused(client.patch(car, json={"name": name}), 422, "invalid_fields", "name")


@pytest.mark.one_engine
@table_driven("attributes", [*BAD_ATTRIBUTES.values(), None], ids=[*BAD_ATTRIBUTES, "null"])
def test_any_other_attributes_are_refused(client, car, refused, nothing_changes, attributes):
    with nothing_changes():
        refused(client.patch(car, json={"attributes": attributes}), 422, "invalid_fields", "attributes")


@pytest.mark.one_engine
@table_driven("field", ["id", "resource_type", "created", "colour", "Name", "", "status", "attributes.a"])
@table_driven("value", ["x", None])
def test_any_other_field_is_refused(client, car, refused, nothing_changes, field, value):
    with nothing_changes():
        refused(client.patch(car, json={"name": "Car2", field: value}), 422, "invalid_fields", field)


@pytest.mark.one_engine
@table_driven("body", [b"", b"null", b"[]", b'{"name": "x", "name": "y"}', b'{"attributes": {"a": NaN}}'])
def test_the_body_must_be_one_strict_json_object(client, car, refused, nothing_changes, body):
    with nothing_changes():
        refused(client.patch(car, data=body, content_type=JSON), 400, "malformed_body")
        refused(client.patch(car, data=b'{"name": "x"}'), 415, "unsupported_media_type")


def test_an_unknown_vehicle_cannot_be_changed(client, car, register, refused, nothing_changes):
    decommissioned = register("Car2")
    client.delete(decommissioned)
    with nothing_changes():
        for url in (decommissioned, f"/api/cars/{ANOTHER_ID}", car.replace("cars", "lorries")):
            refused(client.patch(url, json={"name": "New"}), 404, "resource_not_found")
        for url in ("/api/cars/x", "/api/vans/" + car[-36:]):
            refused(client.patch(url, json={"name": "New"}), 404, "not_found")


@pytest.mark.one_engine
def test_xml_contains_the_same_data(client, car):
    xml = {"Accept": "application/xml"}
    response = client.patch(car, json={"attributes": {"a b": "<&>"}}, headers=xml)
    read = client.get(car, headers=xml)
    assert (response.status_code, response.data, response.headers["ETag"]) == (200, read.data, read.headers["ETag"])
