"""PATCH with ``"resource_id": "any"``: the allocation moves to another free vehicle with the requested attributes."""

from itertools import pairwise

import pytest

from tests.inventory.api.test_any_with_attributes import CASES
from tests.support.client_identity import client_as, restricted_client
from tests.support.hours_in_2099 import hour_start, hours_of, let_holds_expire, period_fields

pytestmark = pytest.mark.usefixtures("feed_checker")

TO_ANY = {"resource_id": "any"}


@pytest.fixture(params=["its vehicle", "all"])
def item(request, car, booking):
    """The URL of the allocation of ``car`` from 10:00 to 12:00: under its vehicle, or under ``all``."""
    return booking if request.param == "its vehicle" else booking.replace(car, "/api/cars/all")


@pytest.fixture
def spare(register):
    """The URL of another car."""
    return register("Car2")


@pytest.mark.through_gateway
def test_an_allocation_moves_to_the_other_free_vehicle(client, car, item, spare, allocate):
    before = client.get(item).json
    response = client.patch(item, json=TO_ANY, headers={"If-Match": '"1"'})
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
    assert response.json == before | {"resource_id": spare[-36:], "version": 2}
    assert client.get(f"{spare}/allocations").json == [response.json]
    assert allocate(car, hour_start(10), hour_start(12)).status_code == 201


def test_it_never_stays_on_its_own_vehicle(client, item, refused, nothing_changes):
    with nothing_changes():
        refused(client.patch(item, json=TO_ANY), 409, "none_available")
        # Not even if its vehicle has no allocation in the new period.
        refused(client.patch(item, json=TO_ANY | period_fields(20, 21)), 409, "none_available")


@pytest.mark.parametrize("period", [(11, 13), (9, 11), (None, 11), (11, None), (None, None)])
def test_a_vehicle_that_is_allocated_for_a_part_of_the_period_is_not_chosen(
    client, item, spare, allocate, refused, nothing_changes, period
):
    allocate(spare, hour_start(period[0]), hour_start(period[1]))
    with nothing_changes():
        refused(client.patch(item, json=TO_ANY), 409, "none_available")


def test_the_new_period_decides(client, item, spare, allocate):
    for start, end in ((None, 11), (14, None)):
        allocate(spare, hour_start(start), hour_start(end))
    response = client.patch(item, json=TO_ANY | period_fields(11, 14) | {"description": "later"})
    assert (response.json["resource_id"], hours_of(response.json)) == (spare[-36:], (11, 14))
    assert response.json["description"] == "later"


def test_a_hold_moves_and_is_confirmed(client, car, spare, allocate):
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    response = client.patch(hold, json=TO_ANY | {"status": "confirmed"})
    assert (response.json["resource_id"], response.json["status"]) == (spare[-36:], "confirmed")


def test_an_expired_hold_does_not_block_a_vehicle(app, client, item, spare, allocate):
    allocate(spare, hour_start(9), hour_start(11), hold_seconds=60)
    let_holds_expire(app)
    assert client.patch(item, json=TO_ANY).json["resource_id"] == spare[-36:]


@pytest.mark.parametrize("cleared", [False, True])
def test_an_expired_hold_cannot_move(app, client, car, spare, allocate, refused, cleared):
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60).headers["Location"]
    let_holds_expire(app)
    if cleared:
        assert allocate(car, hour_start(10), hour_start(12)).status_code == 201
    refused(client.patch(hold, json=TO_ANY), 409, "hold_expired")


@pytest.mark.parametrize(("has", "requested", "matches"), CASES)
def test_only_a_vehicle_with_exactly_these_attributes_is_chosen(
    client, car, booking, register, refused, nothing_changes, has, requested, matches
):
    register("Car2", attributes=has)
    body = TO_ANY | {"attributes": requested}
    if matches:
        assert client.patch(booking, json=body).status_code == 200
    else:
        with nothing_changes():
            refused(client.patch(booking, json=body), 409, "none_available")


def test_only_vehicles_of_the_type_in_circulation_are_chosen(client, item, register, refused, nothing_changes):
    register("Lorry1", "lorries")
    client.delete(register("Old"))
    with nothing_changes():
        refused(client.patch(item, json=TO_ANY), 409, "none_available")


def test_all_free_vehicles_are_chosen_but_never_the_one_that_the_allocation_leaves(client, car, booking, register):
    cars = {car[-36:], *(register(f"Car{number}")[-36:] for number in range(2, 5))}
    item = booking.replace(car, "/api/cars/all")
    chosen = [client.patch(item, json=TO_ANY).json["resource_id"] for _ in range(40)]
    assert set(chosen) == cars
    assert all(one != other for one, other in pairwise(chosen))


def test_a_precondition_is_checked_first(client, item, spare, refused, nothing_changes):
    with nothing_changes():
        response = client.patch(item, json=TO_ANY, headers={"If-Match": '"7"'})
        refused(response, 412, "version_mismatch")
        assert response.headers["ETag"] == '"1"'


def test_a_merge_patch_merges_the_dump_and_not_the_attributes(client, car, register, allocate):
    spare = register("Car2", attributes={"seats": 4, "city": "Leeds"})
    item = allocate(car, hour_start(10), hour_start(12), dump={"a": 1}).headers["Location"]
    response = client.patch(
        item,
        json=TO_ANY | {"attributes": {"seats": 4}, "dump": {"b": 2}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert (response.json["resource_id"], response.json["dump"]) == (spare[-36:], {"a": 1, "b": 2})


@pytest.mark.parametrize("fields", [{"to_datetime": hour_start(9)}, {"hold_seconds": 60}, {"attributes": {"": 1}}])
def test_other_fields_are_validated(client, item, spare, refused, nothing_changes, fields):
    with nothing_changes():
        refused(client.patch(item, json=TO_ANY | fields), 422, "invalid_fields", *fields)


def test_a_restricted_client_moves_only_its_own_allocation(app, one, car, spare, refused, nothing_changes):
    two = restricted_client(app, "two")
    item = two.post(f"{car}/allocations", json=period_fields(10, 12)).headers["Location"]
    with nothing_changes():
        refused(one.patch(item, json=TO_ANY), 404, "allocation_not_found")
    assert two.patch(item, json=TO_ANY).json["resource_id"] == spare[-36:]
    assert client_as(app, "one").patch(item.replace(car, spare), json=TO_ANY).json["resource_id"] == car[-36:]


class TestBestFit:
    """The strategy ``best_fit``, which the setting ``[api] any_strategy`` selects."""

    @pytest.fixture
    def environ(self, environ):
        """The settings, with the strategy ``best_fit``."""
        return environ | {"INVSYS_API_ANY_STRATEGY": "best_fit"}

    def test_the_vehicle_with_the_smallest_gap_is_chosen(self, client, item, register, allocate):
        wide, tight = register("Wide"), register("Tight")
        for car, hours in ((wide, (6, 16)), (tight, (9, 13))):
            allocate(car, hour_start(hours[0] - 1), hour_start(hours[0]))
            allocate(car, hour_start(hours[1]), hour_start(hours[1] + 1))
        for _ in range(3):
            register(f"Free{_}")
        assert client.patch(item, json=TO_ANY).json["resource_id"] == tight[-36:]
