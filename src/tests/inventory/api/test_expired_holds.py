"""Expired holds: they are invisible, do not block allocations, and cannot be extended or confirmed."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.hours_in_2099 import hour_start, hours_of, let_holds_expire, period_fields
from tests.support.tables import table_driven

pytestmark = pytest.mark.usefixtures("feed_checker_at_end")


@pytest.fixture
def expired_hold(app, car, allocate):
    """The URL of a hold of ``car`` from 10:00 to 12:00 that has expired."""
    url = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    let_holds_expire(app)
    return url


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, expired_hold):
    """The URL of the expired hold: under its vehicle, or under ``all``."""
    return expired_hold if request.param == "its vehicle" else expired_hold.replace(car, "/api/cars/all")


LATE = [
    {"status": "confirmed"},
    {"hold_seconds": 60},
    {"description": "too late"},
    {"to_datetime": hour_start(11)},
    period_fields(20, 21),
    {"status": "confirmed", "to_datetime": hour_start(13)},
]


def test_an_expired_hold_can_be_neither_read_nor_deleted(client, item, refused):
    refused(client.get(item), 404, "allocation_not_found")
    refused(client.delete(item), 404, "allocation_not_found")
    refused(client.delete(item, headers={"If-Match": "*"}), 404, "allocation_not_found")


def test_lists_omit_expired_holds(client, car, expired_hold, allocate):
    other = allocate(car, hour_start(14), hour_start(16)).json
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        assert client.get(url).json == client.get(f"{url}?status=confirmed").json == [other]
        assert client.get(f"{url}?status=held").json == []
        assert client.get(url, query_string={"from": hour_start(10), "to": hour_start(12)}).json == []


def test_pages_are_filled_despite_expired_holds(app, client, register, allocate, follow_pages):
    for number in range(9):
        fields = {"hold_seconds": 60} if number % 3 else {}
        allocate(register(f"Car{number}"), hour_start(number), hour_start(number + 1), **fields)
    let_holds_expire(app)
    pages = list(follow_pages("/api/cars/all/allocations?limit=2"))
    assert [[hours_of(row)[0] for row in page] for page in pages] == [[0, 3], [6]]


@table_driven("fields", LATE)
def test_an_expired_hold_cannot_be_changed(client, item, refused, nothing_changes, fields):
    with nothing_changes():
        refused(client.patch(item, json=fields), 409, "hold_expired")
        refused(client.patch(item, json=fields), 409, "hold_expired")


@pytest.mark.parametrize("fields", LATE)
def test_an_expired_hold_cannot_be_changed_after_its_deletion(
    client, car, item, allocate, refused, nothing_changes, fields
):
    assert allocate(car, hour_start(10), hour_start(12)).status_code == 201
    with nothing_changes():
        refused(client.patch(item, json=fields), 409, "hold_expired")
        refused(client.get(item), 404, "allocation_not_found")


def test_an_expired_hold_is_not_found_under_another_vehicle(client, car, expired_hold, register, refused):
    other = expired_hold.replace(car, register("Car2"))
    refused(client.patch(other, json={"status": "confirmed"}), 404, "allocation_not_found")


@pytest.mark.parametrize(
    "period", [(10, 12), (9, 11), (11, 13), (10, 11), (9, 13), (None, 11), (11, None), (None, None)]
)
@pytest.mark.parametrize("fields", [{}, {"hold_seconds": 60}])
def test_a_new_allocation_replaces_an_expired_hold(client, car, expired_hold, allocate, period, fields):
    response = allocate(car, hour_start(period[0]), hour_start(period[1]), **fields)
    assert response.status_code == 201, response.text
    assert client.get(f"{car}/allocations").json == [response.json]


def test_a_new_allocation_replaces_several_expired_holds(app, client, car, allocate):
    for hour in (8, 10, 11, 13):
        allocate(car, hour_start(hour), hour_start(hour + 1), hold_seconds=60)
    let_holds_expire(app)
    response = allocate(car, hour_start(9), hour_start(20))
    assert response.status_code == 201
    assert client.get("/api/cars/all/allocations").json == [response.json]


def test_only_active_allocations_conflict(app, car, expired_hold, allocate, refused, nothing_changes):
    active = [
        allocate(car, hour_start(12), hour_start(14), hold_seconds=60).json["id"],
        allocate(car, hour_start(14), hour_start(16)).json["id"],
    ]
    with nothing_changes():
        body = refused(allocate(car, hour_start(9), hour_start(20)), 409, "period_taken")
    assert [conflict["id"] for conflict in body["conflicts"]] == active
    assert allocate(car, hour_start(9), hour_start(12)).status_code == 201


def test_any_can_allocate_the_vehicle_of_an_expired_hold(client, car, expired_hold, allocate, refused):
    response = allocate("/api/cars/any", hour_start(9), hour_start(11))
    assert (response.status_code, response.json["resource_id"]) == (201, car[-36:])
    refused(allocate("/api/cars/any", hour_start(10), hour_start(11)), 409, "none_available")


@pytest.mark.parametrize("same_vehicle", [True, False], ids=["on the same vehicle", "on another vehicle"])
def test_an_allocation_can_move_onto_an_expired_hold(client, car, expired_hold, register, allocate, same_vehicle):
    moving = allocate(car if same_vehicle else register("Car2"), hour_start(12), hour_start(14)).headers["Location"]
    moved = client.patch(moving, json={"from_datetime": hour_start(9), "resource_id": car[-36:]})
    assert (moved.status_code, hours_of(moved.json)) == (200, (9, 14))
    assert client.get(f"{car}/allocations").json == [moved.json]


def test_the_period_of_an_expired_hold_is_free(client, car, expired_hold):
    availability = client.get(f"{car}/availability", query_string={"from": hour_start(8), "to": hour_start(16)}).json
    assert ([hours_of(period) for period in availability["free"]], availability["busy"]) == ([(8, 16)], [])
    window = {"available_from": hour_start(10), "available_to": hour_start(12)}
    assert [vehicle["id"] for vehicle in client.get("/api/cars", query_string=window).json] == [car[-36:]]


def test_the_vehicle_of_an_expired_hold_can_be_decommissioned(client, car, expired_hold, refused):
    assert client.delete(car).status_code == 204
    refused(client.get(car), 404, "resource_not_found")


def test_a_vehicle_in_use_does_not_name_expired_holds(client, car, expired_hold, allocate, refused):
    other = allocate(car, hour_start(14), hour_start(16)).json["id"]
    body = refused(client.delete(car), 409, "resource_in_use")
    assert [conflict["id"] for conflict in body["conflicts"]] == [other]


def test_an_extended_hold_expires_at_its_new_time(app, client, car, allocate, refused):
    url = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    client.patch(url, json={"hold_seconds": 86400})
    let_holds_expire(app)
    refused(client.patch(url, json={"status": "confirmed"}), 409, "hold_expired")


def test_one_of_many_concurrent_requests_replaces_an_expired_hold(app, client, car, allocate):
    for hour in range(5):
        allocate(car, hour_start(hour), hour_start(hour + 1), hold_seconds=60)
        let_holds_expire(app)
        order = {"method": "POST", "path": f"{car}/allocations", "json": period_fields(hour, hour + 1)}
        assert count_outcomes(send_concurrently(app, [order] * 6)) == {201: 1, "period_taken": 5}
    assert [hours_of(row) for row in client.get(f"{car}/allocations").json] == [(hour, hour + 1) for hour in range(5)]
