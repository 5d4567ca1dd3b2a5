"""Expired holds: they count nowhere, they are in nobody's way, and they do not come back."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.instants import at, hours_of, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("strict_replay")


@pytest.fixture
def expired(app, car, allocate):
    """The URL of a hold of ``car`` from 10:00 to 12:00 that has expired."""
    url = allocate(car, at(10), at(12), hold_seconds=60).headers["Location"]
    let_holds_expire(app)
    return url


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, expired):
    """The URL of that hold, in each form."""
    return expired if request.param == "its vehicle" else expired.replace(car, "/api/cars/all")


LATE = [
    {"status": "confirmed"},
    {"hold_seconds": 60},
    {"description": "too late"},
    {"to_datetime": at(11)},
    period_fields(20, 21),
    {"status": "confirmed", "to_datetime": at(13)},
]


def test_it_can_be_neither_read_nor_deleted(client, item, refused):
    refused(client.get(item), 404, "allocation_not_found")
    refused(client.delete(item), 404, "allocation_not_found")
    refused(client.delete(item, headers={"If-Match": "*"}), 404, "allocation_not_found")


def test_no_list_shows_it(client, car, expired, allocate):
    other = allocate(car, at(14), at(16)).json
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        assert client.get(url).json == client.get(f"{url}?status=confirmed").json == [other]
        assert client.get(f"{url}?status=held").json == []
        assert client.get(url, query_string={"from": at(10), "to": at(12)}).json == []


def test_pages_are_not_shortened_by_expired_ones(app, client, register, allocate, follow):
    for number in range(9):
        held = {"hold_seconds": 60} if number % 3 else {}
        allocate(register(f"Car{number}"), at(number), at(number + 1), **held)
    let_holds_expire(app)
    pages = list(follow("/api/cars/all/allocations?limit=2"))
    assert [[hours_of(one)[0] for one in page] for page in pages] == [[0, 3], [6]]


@pytest.mark.parametrize("fields", LATE)
def test_it_is_too_late_to_change_it(client, item, refused, nothing_changes, fields):
    with nothing_changes():
        refused(client.patch(item, json=fields), 409, "hold_expired")
        refused(client.patch(item, json=fields), 409, "hold_expired")


@pytest.mark.parametrize("fields", LATE)
def test_it_is_still_too_late_when_it_was_cleared_away(client, car, item, allocate, refused, nothing_changes, fields):
    assert allocate(car, at(10), at(12)).status_code == 201
    with nothing_changes():
        refused(client.patch(item, json=fields), 409, "hold_expired")
        refused(client.get(item), 404, "allocation_not_found")


def test_under_another_vehicle_it_is_not_there(client, car, expired, register, refused):
    other = expired.replace(car, register("Car2"))
    refused(client.patch(other, json={"status": "confirmed"}), 404, "allocation_not_found")


@pytest.mark.parametrize(
    "period", [(10, 12), (9, 11), (11, 13), (10, 11), (9, 13), (None, 11), (11, None), (None, None)]
)
@pytest.mark.parametrize("more", [{}, {"hold_seconds": 60}])
def test_a_new_allocation_takes_its_place(client, car, expired, allocate, period, more):
    made = allocate(car, at(period[0]), at(period[1]), **more)
    assert made.status_code == 201, made.text
    assert client.get(f"{car}/allocations").json == [made.json]


def test_several_in_the_way_are_all_cleared(app, client, car, allocate):
    for hour in (8, 10, 11, 13):
        allocate(car, at(hour), at(hour + 1), hold_seconds=60)
    let_holds_expire(app)
    made = allocate(car, at(9), at(20))
    assert made.status_code == 201
    assert client.get("/api/cars/all/allocations").json == [made.json]


def test_only_what_still_counts_is_in_the_way(app, car, expired, allocate, refused, nothing_changes):
    live = [allocate(car, at(12), at(14), hold_seconds=60).json["id"], allocate(car, at(14), at(16)).json["id"]]
    with nothing_changes():
        body = refused(allocate(car, at(9), at(20)), 409, "period_taken")
    assert [conflict["id"] for conflict in body["conflicts"]] == live
    assert allocate(car, at(9), at(12)).status_code == 201


def test_any_takes_its_vehicle(client, car, expired, allocate, refused):
    made = allocate("/api/cars/any", at(9), at(11))
    assert (made.status_code, made.json["resource_id"]) == (201, car[-36:])
    refused(allocate("/api/cars/any", at(10), at(11)), 409, "none_available")


@pytest.mark.parametrize("own", [True, False], ids=["of the same vehicle", "of another vehicle"])
def test_another_allocation_moves_into_its_place(client, car, expired, register, allocate, own):
    moving = allocate(car if own else register("Car2"), at(12), at(14)).headers["Location"]
    moved = client.patch(moving, json={"from_datetime": at(9), "resource_id": car[-36:]})
    assert (moved.status_code, hours_of(moved.json)) == (200, (9, 14))
    assert client.get(f"{car}/allocations").json == [moved.json]


def test_its_period_is_free(client, car, expired):
    said = client.get(f"{car}/availability", query_string={"from": at(8), "to": at(16)}).json
    assert ([hours_of(period) for period in said["free"]], said["busy"]) == ([(8, 16)], [])
    window = {"available_from": at(10), "available_to": at(12)}
    assert [found["id"] for found in client.get("/api/cars", query_string=window).json] == [car[-36:]]


def test_its_vehicle_can_go(client, car, expired, refused):
    assert client.delete(car).status_code == 204
    refused(client.get(car), 404, "resource_not_found")


def test_a_vehicle_in_use_names_it_not(client, car, expired, allocate, refused):
    other = allocate(car, at(14), at(16)).json["id"]
    body = refused(client.delete(car), 409, "resource_in_use")
    assert [conflict["id"] for conflict in body["conflicts"]] == [other]


def test_an_extended_hold_expires_later_all_the_same(app, client, car, allocate, refused):
    url = allocate(car, at(10), at(12), hold_seconds=60).headers["Location"]
    client.patch(url, json={"hold_seconds": 86400})
    let_holds_expire(app)
    refused(client.patch(url, json={"status": "confirmed"}), 409, "hold_expired")


def test_one_of_many_gets_its_place(app, client, car, allocate):
    for hour in range(5):
        allocate(car, at(hour), at(hour + 1), hold_seconds=60)
        let_holds_expire(app)
        order = {"method": "POST", "path": f"{car}/allocations", "json": period_fields(hour, hour + 1)}
        assert count_outcomes(send_concurrently(app, [order] * 6)) == {201: 1, "period_taken": 5}
    assert [hours_of(one) for one in client.get(f"{car}/allocations").json] == [(hour, hour + 1) for hour in range(5)]
