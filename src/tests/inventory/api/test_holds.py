"""Holds: allocations that block others until they are confirmed or expire."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.hours_in_2099 import hour_start, hours_of, let_holds_expire
from tests.support.tables import table_driven

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def hold(car, allocate):
    """The URL of a hold of ``car`` from 10:00 to 12:00 that expires in an hour."""
    response = allocate(car, hour_start(10), hour_start(12), hold_seconds=3600)
    assert response.status_code == 201, response.text
    return response.headers["Location"]


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, hold):
    """The URL of the hold: under its vehicle, or under ``all``."""
    return hold if request.param == "its vehicle" else hold.replace(car, "/api/cars/all")


def remaining_time(allocation):
    """Return the time until a hold expires."""
    assert allocation["expires"].endswith("Z")
    return datetime.fromisoformat(allocation["expires"]) - datetime.now(UTC)


@pytest.mark.through_gateway
@pytest.mark.parametrize("seconds", [1, 2, 60, 3600, 86400])
def test_a_hold_is_returned_with_its_expiry(car, allocate, seconds):
    response = allocate(car, hour_start(10), hour_start(12), hold_seconds=seconds)
    assert (response.status_code, response.json["status"]) == (201, "held")
    assert abs(remaining_time(response.json) - timedelta(seconds=seconds)) < A_MINUTE


@pytest.mark.through_gateway
def test_a_hold_has_the_same_fields_as_an_allocation(client, hold, car, allocate):
    assert set(client.get(hold).json) == set(allocate(car, hour_start(12), hour_start(14)).json)


def test_a_hold_is_the_same_at_all_urls(client, car, item):
    expected = client.get(item).json
    assert client.get(f"{car}/allocations").json == client.get("/api/cars/all/allocations").json == [expected]


BAD = [0, -1, 86401, 2**63 - 1, 1.5, "60", "", True, False, None, [], [60], {}]


@pytest.mark.one_engine
@table_driven("seconds", BAD)
def test_any_other_duration_is_refused(car, allocate, refused, nothing_changes, seconds):
    with nothing_changes():
        for vehicle in (car, "/api/cars/any"):
            refused(
                allocate(vehicle, hour_start(10), hour_start(12), hold_seconds=seconds),
                422,
                "invalid_fields",
                "hold_seconds",
            )


@pytest.mark.one_engine
@table_driven("seconds", BAD)
def test_a_hold_cannot_be_extended_by_any_other_duration(client, item, refused, nothing_changes, seconds):
    with nothing_changes():
        refused(client.patch(item, json={"hold_seconds": seconds}), 422, "invalid_fields", "hold_seconds")


def test_a_hold_blocks_other_allocations(client, car, hold, register, allocate, refused, nothing_changes):
    allocation = allocate(register("Car2"), hour_start(10), hour_start(12)).headers["Location"]
    with nothing_changes():
        for response in (
            allocate(car, hour_start(11), hour_start(13)),
            allocate(car, hour_start(11), hour_start(13), hold_seconds=60),
            client.patch(allocation, json={"resource_id": car[-36:]}),
        ):
            conflicts = refused(response, 409, "period_taken")["conflicts"]
            assert [conflict["id"] for conflict in conflicts] == [hold[-36:]]
        refused(allocate("/api/cars/any", hour_start(10), hour_start(12)), 409, "none_available")
        refused(client.delete(car), 409, "resource_in_use")
    assert [vehicle["name"] for vehicle in client.get(f"/api/cars?available_from={hour_start(12)}").json] == [
        "Car1",
        "Car2",
    ]
    assert client.get(f"/api/cars?available_from={hour_start(11)}").json == []


def test_lists_can_be_filtered_by_status(client, car, hold, allocate):
    confirmed = allocate(car, hour_start(12), hour_start(14)).json["id"]
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        rows = {status: client.get(f"{url}?status={status}").json for status in ("held", "confirmed")}
        assert [row["id"] for row in rows["held"]] == [hold[-36:]]
        assert [row["id"] for row in rows["confirmed"]] == [confirmed]


def test_a_confirmed_hold_no_longer_expires(app, client, item):
    before = client.get(item)
    response = client.patch(item, json={"status": "confirmed"})
    assert (response.status_code, response.json) == (
        200,
        before.json | {"status": "confirmed", "expires": None, "version": 2},
    )
    let_holds_expire(app)
    read = client.get(item)
    assert (read.json, read.headers["ETag"]) == (response.json, response.headers["ETag"])
    assert read.headers["ETag"] != before.headers["ETag"]


def test_confirming_a_confirmed_allocation_changes_nothing(client, item):
    first, second = (client.patch(item, json={"status": "confirmed"}) for _ in range(2))
    assert (second.status_code, second.json, second.headers["ETag"]) == (200, first.json, first.headers["ETag"])


def test_a_confirmation_with_a_refused_change_confirms_nothing(client, car, item, allocate, refused, nothing_changes):
    allocate(car, hour_start(14), hour_start(16))
    changes = {"status": "confirmed", "description": "Sold", "to_datetime": hour_start(15)}
    with nothing_changes():
        refused(client.patch(item, json=changes), 409, "period_taken")
    assert client.get(item).json["status"] == "held"
    confirmed = client.patch(item, json=changes | {"to_datetime": hour_start(14)}).json
    assert (confirmed["status"], confirmed["description"], hours_of(confirmed)) == ("confirmed", "Sold", (10, 14))


@pytest.mark.parametrize("seconds", [7200, 86400, 600])
def test_hold_seconds_sets_a_new_expiry_counted_from_now(client, item, seconds):
    before = client.get(item)
    response = client.patch(item, json={"hold_seconds": seconds})
    assert (response.status_code, response.json["status"]) == (200, "held")
    assert abs(remaining_time(response.json) - timedelta(seconds=seconds)) < A_MINUTE
    assert response.json == before.json | {"expires": response.json["expires"], "version": 2}
    assert client.get(item).json == response.json
    assert client.get(item).headers["ETag"] == response.headers["ETag"] != before.headers["ETag"]


def test_other_changes_keep_the_expiry_of_a_hold(client, item, register):
    before = client.get(item).json
    fields = {"description": "Perhaps", "resource_id": register("Car2")[-36:], "to_datetime": hour_start(13)}
    response = client.patch(item, json=fields)
    assert (response.status_code, response.json) == (200, before | fields | {"version": 2})


def test_a_hold_can_be_changed_and_extended_with_one_request(client, item):
    response = client.patch(item, json={"hold_seconds": 7200, "to_datetime": hour_start(13)})
    assert (hours_of(response.json), response.json["status"]) == ((10, 13), "held")
    assert remaining_time(response.json) > timedelta(hours=1, minutes=30)


def test_a_hold_cannot_be_confirmed_and_extended_with_one_request(client, item, refused, nothing_changes):
    with nothing_changes():
        changes = {"hold_seconds": 60, "status": "confirmed"}
        refused(client.patch(item, json=changes), 422, "invalid_fields", "hold_seconds")


def test_a_confirmed_allocation_cannot_become_a_hold(client, item, refused):
    client.patch(item, json={"status": "confirmed"})
    refused(client.patch(item, json={"hold_seconds": 60}), 422, "invalid_fields", "hold_seconds")
    refused(client.patch(item, json={"status": "held"}), 422, "invalid_fields", "status")


def test_the_status_held_cannot_be_requested(client, item, refused, nothing_changes):
    with nothing_changes():
        refused(client.patch(item, json={"status": "held"}), 422, "invalid_fields", "status")


def test_a_confirmation_with_a_stale_etag_is_refused(client, item, refused):
    etag = client.get(item).headers["ETag"]
    client.patch(item, json={"hold_seconds": 7200})
    refused(client.patch(item, json={"status": "confirmed"}, headers={"If-Match": etag}), 412, "version_mismatch")
    assert client.get(item).json["status"] == "held"


def test_a_hold_can_be_deleted(client, car, item, allocate, refused):
    assert client.delete(item).status_code == 204
    refused(client.patch(item, json={"status": "confirmed"}), 404, "allocation_not_found")
    assert allocate(car, hour_start(10), hour_start(12)).status_code == 201
