"""Holds: allocations that block others until they are confirmed or expire."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.instants import at, hours_of, let_holds_expire

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def hold(car, allocate):
    """The URL of a hold of ``car`` from 10:00 to 12:00, for an hour."""
    made = allocate(car, at(10), at(12), hold_seconds=3600)
    assert made.status_code == 201, made.text
    return made.headers["Location"]


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, hold):
    """The URL of that hold, in each form."""
    return hold if request.param == "its vehicle" else hold.replace(car, "/api/cars/all")


def left(allocation):
    """Give how long a hold still has."""
    assert allocation["expires"].endswith("Z")
    return datetime.fromisoformat(allocation["expires"]) - datetime.now(UTC)


@pytest.mark.parametrize("seconds", [1, 2, 60, 3600, 86400])
def test_a_hold_is_answered_with_its_end(car, allocate, seconds):
    made = allocate(car, at(10), at(12), hold_seconds=seconds)
    assert (made.status_code, made.json["status"]) == (201, "held")
    assert abs(left(made.json) - timedelta(seconds=seconds)) < A_MINUTE


def test_a_hold_has_the_fields_of_every_allocation(client, hold, car, allocate):
    assert set(client.get(hold).json) == set(allocate(car, at(12), at(14)).json)


def test_a_hold_reads_the_same_from_everywhere(client, car, item):
    held = client.get(item).json
    assert client.get(f"{car}/allocations").json == client.get("/api/cars/all/allocations").json == [held]


BAD = [0, -1, 86401, 2**63 - 1, 1.5, "60", "", True, False, None, [], [60], {}]


@pytest.mark.parametrize("seconds", BAD)
def test_any_other_length_is_refused(car, allocate, refused, nothing_changes, seconds):
    with nothing_changes():
        for vehicle in (car, "/api/cars/any"):
            refused(allocate(vehicle, at(10), at(12), hold_seconds=seconds), 422, "invalid_fields", "hold_seconds")


@pytest.mark.parametrize("seconds", BAD)
def test_a_hold_is_not_extended_by_any_other_length(client, item, refused, nothing_changes, seconds):
    with nothing_changes():
        refused(client.patch(item, json={"hold_seconds": seconds}), 422, "invalid_fields", "hold_seconds")


def test_a_hold_is_in_the_way_of_others(client, car, hold, register, allocate, refused, nothing_changes):
    mine = allocate(register("Car2"), at(10), at(12)).headers["Location"]
    with nothing_changes():
        for response in (
            allocate(car, at(11), at(13)),
            allocate(car, at(11), at(13), hold_seconds=60),
            client.patch(mine, json={"resource_id": car[-36:]}),
        ):
            conflicts = refused(response, 409, "period_taken")["conflicts"]
            assert [conflict["id"] for conflict in conflicts] == [hold[-36:]]
        refused(allocate("/api/cars/any", at(10), at(12)), 409, "none_available")
        refused(client.delete(car), 409, "resource_in_use")
    assert [found["name"] for found in client.get(f"/api/cars?available_from={at(12)}").json] == ["Car1", "Car2"]
    assert client.get(f"/api/cars?available_from={at(11)}").json == []


def test_lists_choose_by_status(client, car, hold, allocate):
    confirmed = allocate(car, at(12), at(14)).json["id"]
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        shown = {status: client.get(f"{url}?status={status}").json for status in ("held", "confirmed")}
        assert [one["id"] for one in shown["held"]] == [hold[-36:]]
        assert [one["id"] for one in shown["confirmed"]] == [confirmed]


def test_a_confirmed_hold_is_an_allocation_like_any_other(app, client, item):
    before = client.get(item)
    response = client.patch(item, json={"status": "confirmed"})
    assert (response.status_code, response.json) == (200, before.json | {"status": "confirmed", "expires": None})
    let_holds_expire(app)
    read = client.get(item)
    assert (read.json, read.headers["ETag"]) == (response.json, response.headers["ETag"])
    assert read.headers["ETag"] != before.headers["ETag"]


def test_confirming_again_changes_nothing(client, item):
    first, second = (client.patch(item, json={"status": "confirmed"}) for _ in range(2))
    assert (second.status_code, second.json, second.headers["ETag"]) == (200, first.json, first.headers["ETag"])


def test_it_is_confirmed_with_other_changes_or_not_at_all(client, car, item, allocate, refused, nothing_changes):
    allocate(car, at(14), at(16))
    order = {"status": "confirmed", "description": "Sold", "to_datetime": at(15)}
    with nothing_changes():
        refused(client.patch(item, json=order), 409, "period_taken")
    assert client.get(item).json["status"] == "held"
    confirmed = client.patch(item, json=order | {"to_datetime": at(14)}).json
    assert (confirmed["status"], confirmed["description"], hours_of(confirmed)) == ("confirmed", "Sold", (10, 14))


@pytest.mark.parametrize("seconds", [7200, 86400, 600])
def test_a_hold_gets_a_new_end_from_now_on(client, item, seconds):
    before = client.get(item)
    response = client.patch(item, json={"hold_seconds": seconds})
    assert (response.status_code, response.json["status"]) == (200, "held")
    assert abs(left(response.json) - timedelta(seconds=seconds)) < A_MINUTE
    assert response.json == before.json | {"expires": response.json["expires"]}
    assert client.get(item).json == response.json
    assert client.get(item).headers["ETag"] == response.headers["ETag"] != before.headers["ETag"]


def test_other_changes_leave_a_hold_held_until_the_same_end(client, item, register):
    before = client.get(item).json
    fields = {"description": "Perhaps", "resource_id": register("Car2")[-36:], "to_datetime": at(13)}
    response = client.patch(item, json=fields)
    assert (response.status_code, response.json) == (200, before | fields)


def test_it_can_be_changed_and_extended_at_once(client, item):
    response = client.patch(item, json={"hold_seconds": 7200, "to_datetime": at(13)})
    assert (hours_of(response.json), response.json["status"]) == ((10, 13), "held")
    assert left(response.json) > timedelta(hours=1, minutes=30)


def test_a_hold_is_not_confirmed_and_extended_at_once(client, item, refused, nothing_changes):
    with nothing_changes():
        order = {"hold_seconds": 60, "status": "confirmed"}
        refused(client.patch(item, json=order), 422, "invalid_fields", "hold_seconds")


def test_what_is_confirmed_is_not_held_again(client, item, refused):
    client.patch(item, json={"status": "confirmed"})
    refused(client.patch(item, json={"hold_seconds": 60}), 422, "invalid_fields", "hold_seconds")
    refused(client.patch(item, json={"status": "held"}), 422, "invalid_fields", "status")


def test_a_hold_stays_a_hold_when_that_is_asked_for(client, item, refused, nothing_changes):
    with nothing_changes():
        refused(client.patch(item, json={"status": "held"}), 422, "invalid_fields", "status")


def test_only_the_version_that_was_read_is_confirmed(client, item, refused):
    etag = client.get(item).headers["ETag"]
    client.patch(item, json={"hold_seconds": 7200})
    refused(client.patch(item, json={"status": "confirmed"}, headers={"If-Match": etag}), 412, "version_mismatch")
    assert client.get(item).json["status"] == "held"


def test_a_hold_can_be_given_up(client, car, item, allocate, refused):
    assert client.delete(item).status_code == 204
    refused(client.patch(item, json={"status": "confirmed"}), 404, "allocation_not_found")
    assert allocate(car, at(10), at(12)).status_code == 201
