"""Refused changes of allocations: responses name the invalid fields or the conflicts, and nothing changes."""

import pytest

from tests.support.hours_in_2099 import hour_start, period_fields
from tests.support.tables import table_driven

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, booking):
    """The URL of the allocation of ``car`` from 10:00 to 12:00: under its vehicle, or under ``all``."""
    return booking if request.param == "its vehicle" else booking.replace(car, "/api/cars/all")


@pytest.mark.parametrize(
    ("fields", "conflicts"),
    [
        ({"to_datetime": hour_start(13)}, [(12, 14)]),
        ({"to_infinity": True}, [(12, 14), (16, None)]),
        ({"from_datetime": hour_start(7)}, [(None, 8)]),
        ({"from_infinity": True, "to_infinity": True}, [(None, 8), (12, 14), (16, None)]),
        ({"from_datetime": hour_start(15), "to_datetime": hour_start(17)}, [(16, None)]),
        (
            {"from_datetime": hour_start(11), "to_datetime": hour_start(13), "description": "new", "dump": {"a": 1}},
            [(12, 14)],
        ),
    ],
)
def test_a_conflict_names_the_other_allocations_and_never_the_changed_one(
    client, car, item, allocate, refused, nothing_changes, fields, conflicts
):
    ids = {
        hours: allocate(car, hour_start(hours[0]), hour_start(hours[1])).json["id"]
        for hours in ((12, 14), (16, None), (None, 8))
    }
    etag = client.get(item).headers["ETag"]
    with nothing_changes():
        body = refused(client.patch(item, json=fields), 409, "period_taken")
    assert [conflict["id"] for conflict in body["conflicts"]] == [ids[hours] for hours in conflicts]
    assert client.get(item).headers["ETag"] == etag


def test_an_allocation_cannot_move_to_a_vehicle_that_is_allocated(
    client, item, register, allocate, refused, nothing_changes
):
    other = register("Car2")
    conflict_id = allocate(other, hour_start(11), hour_start(13)).json["id"]
    order = {"resource_id": other[-36:], "allocation_type": "service"}
    with nothing_changes():
        body = refused(client.patch(item, json=order), 409, "period_taken")
        assert [conflict["id"] for conflict in body["conflicts"]] == [conflict_id]
    assert client.patch(item, json=order | {"to_datetime": hour_start(11)}).status_code == 200


BAD = {
    "from_datetime": [
        *({"from_datetime": value} for value in ("tomorrow", "", "2099-03-01", "9999-01-01T00:00:00Z", 1, True, [])),
        {"from_datetime": hour_start(9), "from_infinity": True},
    ],
    "to_datetime": [
        *({"to_datetime": value} for value in ("x", "2099-03-01T12:00:00.1234567Z", 1.5, {})),
        {"to_datetime": hour_start(13), "to_infinity": True},
        {"to_datetime": hour_start(10)},
        {"to_datetime": hour_start(9)},
        {"from_datetime": hour_start(12)},
        {"from_datetime": hour_start(13)},
        {"from_datetime": hour_start(14), "to_datetime": hour_start(13)},
        {"from_datetime": hour_start(14), "to_datetime": hour_start(14)},
    ],
    "from_infinity": [{"from_infinity": value} for value in ("true", "yes", 1, [])],
    "to_infinity": [{"to_infinity": value} for value in ("true", 1, {})],
    "resource_id": [{"resource_id": value} for value in (ANOTHER_ID, "x", "", "Any", "all", None, 1, True, [], {})],
    "allocation_type": [{"allocation_type": value} for value in ("", "x" * 21, 1, True, [])],
    "description": [{"description": value} for value in ("x" * 101, 1, True, [], {})],
    "dump": [{"dump": value} for value in ([], "{}", 1, True, {"x": "a" * 16_385})],
    "status": [{"status": value} for value in ("held", "cancelled", "Confirmed", "", None, 1, True, [])],
    "hold_seconds": [
        {"hold_seconds": 60},
        {"hold_seconds": 0},
        {"hold_seconds": 60, "status": "confirmed"},
    ],
    "colour": [{"colour": "red"}, {"colour": None}],
    "id": [{"id": ANOTHER_ID}],
    "resource_type": [{"resource_type": "Car"}],
    "created": [{"created": hour_start(10)}],
    "expires": [{"expires": hour_start(10)}, {"expires": None}],
    "attributes": [
        {"attributes": {}},
        {"attributes": {"seats": 4}, "resource_id": ANOTHER_ID},
        *({"attributes": value, "resource_id": "any"} for value in (None, [], "x", 1, {"": 1}, {"a": None}, {"a": {}})),
    ],
    "quantity": [{"quantity": 2}],
    "from": [{"from": hour_start(9)}],
    "Description": [{"Description": "x"}],
    "": [{"": 1}],
}
CASES = [
    pytest.param(field, fields, id=f"{field}-{number}")
    for field, bodies in BAD.items()
    for number, fields in enumerate(bodies)
]


@pytest.mark.one_engine
@table_driven(("field", "fields"), CASES)
def test_an_invalid_field_is_named(client, item, refused, nothing_changes, field, fields):
    with nothing_changes():
        refused(client.patch(item, json=fields), 422, "invalid_fields", field)


@pytest.mark.one_engine
def test_valid_fields_next_to_an_invalid_one_change_nothing(client, item, refused, nothing_changes):
    good = {"description": "new", "to_datetime": hour_start(13)}
    with nothing_changes():
        errors = refused(client.patch(item, json=good | {"colour": "red", "dump": []}), 422, "invalid_fields")["errors"]
    assert {"colour", "dump"} <= set(errors)


def test_an_allocation_can_only_move_to_a_vehicle_of_its_type_in_circulation(
    client, item, register, refused, nothing_changes
):
    decommissioned, lorry = register("Car2"), register("Lorry1", "lorries")
    client.delete(decommissioned)
    with nothing_changes():
        for other in (decommissioned, lorry):
            refused(client.patch(item, json={"resource_id": other[-36:]}), 422, "invalid_fields", "resource_id")


@pytest.mark.one_engine
@table_driven("body", [b"", b"null", b"[]", b'"x"', b'{"dump": {}, "dump": {}}', b'{"dump": {"a": NaN}}', b"{"])
def test_the_body_must_be_one_strict_json_object(client, item, refused, nothing_changes, body):
    with nothing_changes():
        refused(client.patch(item, data=body, content_type=JSON), 400, "malformed_body")


@pytest.mark.one_engine
@table_driven("content_type", [None, "text/plain", "application/json-patch+json", f"{JSON}; charset=latin-1"])
def test_another_content_type_is_refused(client, item, refused, nothing_changes, content_type):
    with nothing_changes():
        response = client.patch(item, data=b"{}", content_type=content_type)
    assert MERGE_PATCH in refused(response, 415, "unsupported_media_type")["detail"]
    # RFC 5789, sections 2.2 and 3.1.
    assert response.headers["Accept-Patch"] == f"{JSON}, {MERGE_PATCH}"


@pytest.mark.one_engine
def test_only_changes_accept_the_merge_patch_content_type(client, car, refused, nothing_changes):
    for path, body in (("/api/cars", b'{"name": "Car9"}'), (f"{car}/allocations", b'{"from_infinity": true}')):
        with nothing_changes():
            response = client.post(path, data=body, content_type=MERGE_PATCH)
        refused(response, 415, "unsupported_media_type")
        assert "Accept-Patch" not in response.headers


@pytest.mark.one_engine
def test_a_body_that_is_too_long_is_refused(client, item, refused, nothing_changes):
    with nothing_changes():
        body = b"{}" + b" " * 65536
        refused(client.patch(item, data=body, content_type=JSON), 413, "body_too_large")


def test_an_unknown_allocation_cannot_be_changed(client, car, booking, register, refused, nothing_changes):
    rest = booking[len(car) :]
    elsewhere = [vehicle + rest for vehicle in (register("Car2"), register("Lorry1", "lorries"), "/api/lorries/all")]
    unknown = [f"{vehicle}/allocations/{ANOTHER_ID}" for vehicle in (car, "/api/cars/all")]
    with nothing_changes():
        for url in elsewhere + unknown:
            refused(client.patch(url, json={"description": "x"}), 404, "allocation_not_found")
        for vehicle in (f"/api/cars/{ANOTHER_ID}", car.replace("cars", "lorries")):
            assert client.patch(vehicle + rest, json={"description": "x"}).status_code == 404
        refused(client.patch(f"{car}/allocations/x", json={}), 404, "not_found")


def test_a_deleted_allocation_cannot_be_changed(client, item, refused):
    client.delete(item)
    for fields in ({"description": "x"}, {"status": "confirmed"}, period_fields(20, 21), {}):
        refused(client.patch(item, json=fields), 404, "allocation_not_found")
