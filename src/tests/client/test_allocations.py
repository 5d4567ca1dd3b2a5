"""Allocations through the client: ordered, listed, freed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from invsys.client import (
    AllocationNotFound,
    IdempotencyKeyReused,
    InvalidFields,
    NoneAvailable,
    PeriodTaken,
    ResourceNotFound,
    VersionMismatch,
)
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
BERLIN = timezone(timedelta(hours=1))


def test_an_allocation_is_shown_as_it_was_answered(lorries, lorry):
    booking = lorries.allocate(
        lorry.id, MONDAY, FRIDAY, allocation_type="hire", description="for the fair", dump={"order": [4711, None]}
    )
    assert (booking.resource_id, booking.resource_type) == (lorry.id, "Lorry")
    assert (booking.start, booking.end) == (MONDAY, FRIDAY)
    assert (booking.allocation_type, booking.description) == ("hire", "for the fair")
    assert booking.dump == {"order": [4711, None]}
    assert (booking.status, booking.expires, booking.replayed) == ("confirmed", None, False)
    shown = lorries.allocation(booking.id)
    assert (shown, shown.etag) == (booking, booking.etag)
    assert shown.etag is not None


def test_what_an_order_leaves_out_is_the_service_s_to_fill(lorries, lorry):
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY)
    assert (booking.allocation_type, booking.description, booking.dump) == ("booking", None, {})


@pytest.mark.parametrize(("start", "end"), [(None, FRIDAY), (MONDAY, None), (None, None)])
def test_none_is_an_infinite_bound(lorries, lorry, start, end):
    booking = lorries.allocate(lorry.id, start, end)
    assert (booking.start, booking.end) == (start, end)


def test_an_instant_of_any_zone_is_the_same_in_utc(lorries, lorry):
    start = datetime(2099, 3, 2, 9, 0, 0, 250_000, tzinfo=BERLIN)
    booking = lorries.allocate(lorry.id, start, None)
    assert booking.start == start
    assert booking.start.tzinfo == UTC


def test_a_taken_period_is_refused_with_what_is_in_the_way(lorries, booking):
    with pytest.raises(PeriodTaken) as refused:
        lorries.allocate(booking.resource_id, TUESDAY, None)
    (conflict,) = refused.value.conflicts
    assert (conflict.id, conflict.start, conflict.end) == (booking.id, MONDAY, FRIDAY)
    assert conflict.allocation_type == "booking"
    assert refused.value.detail
    assert refused.value.request_id


def test_the_service_says_which_fields_are_wrong(lorries, lorry):
    with pytest.raises(InvalidFields) as refused:
        lorries.allocate(lorry.id, FRIDAY, MONDAY, allocation_type="")
    assert {"allocation_type"} <= set(refused.value.errors) <= {"allocation_type", "to_datetime"}


def test_any_vehicle_is_allocated_while_one_is_free(lorries, lorry, spare):
    first, second = (lorries.allocate_any(MONDAY, FRIDAY, description="whichever") for _ in range(2))
    assert {first.resource_id, second.resource_id} == {lorry.id, spare.id}
    assert lorries.allocation(first.id) == first
    with pytest.raises(NoneAvailable):
        lorries.allocate_any(TUESDAY, FRIDAY)


def test_any_vehicle_has_the_attributes_that_were_asked_for(lorries, lorry):
    crane = lorries.register("Crane", attributes={"crane": True, "seats": 2})
    booking = lorries.allocate_any(MONDAY, FRIDAY, attributes={"crane": True})
    assert booking.resource_id == crane.id
    with pytest.raises(NoneAvailable):
        lorries.allocate_any(MONDAY, FRIDAY, attributes={"crane": True})


def test_several_vehicles_are_allocated_all_or_none(lorries, lorry, spare):
    with pytest.raises(NoneAvailable):
        lorries.allocate_several(3, MONDAY, FRIDAY)
    assert list(lorries.allocations()) == []
    bookings = lorries.allocate_several(2, MONDAY, FRIDAY, attributes={}, allocation_type="fair")
    assert {booking.resource_id for booking in bookings} == {lorry.id, spare.id}
    assert {booking.allocation_type for booking in bookings} == {"fair"}
    assert sorted(booking.id for booking in bookings) == sorted(booking.id for booking in lorries.allocations())


def test_an_order_given_again_under_its_key_is_carried_out_once(lorries, lorry, spare):
    first = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    again = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert (again, again.replayed, first.replayed) == (first, True, False)
    several = [lorries.allocate_several(2, FRIDAY, None, key="order-4712") for _ in range(2)]
    assert several[0] == several[1]
    assert [booking.replayed for booking in several[1]] == [True, True]
    vehicles = [lorries.register("Lorry9", key="vehicle-9") for _ in range(2)]
    assert vehicles[0] == vehicles[1]
    assert vehicles[1].replayed


def test_a_key_is_good_for_one_order(lorries, lorry):
    lorries.allocate(lorry.id, MONDAY, TUESDAY, key="order-4711")
    with pytest.raises(IdempotencyKeyReused):
        lorries.allocate(lorry.id, TUESDAY, FRIDAY, key="order-4711")


def test_orders_without_a_key_are_orders_of_their_own(lorries, lorry):
    lorries.allocate(lorry.id, MONDAY, FRIDAY)
    with pytest.raises(PeriodTaken):
        lorries.allocate(lorry.id, MONDAY, FRIDAY)


@pytest.mark.parametrize("page_size", [1, 100])
def test_allocations_are_listed_of_one_vehicle_and_of_all(lorries, booking, spare, page_size):
    later = lorries.allocate(booking.resource_id, FRIDAY, None, allocation_type="maintenance")
    other = lorries.allocate(spare.id, None, MONDAY)
    assert list(lorries.allocations(booking.resource_id, page_size=page_size)) == [booking, later]
    assert list(lorries.allocations(page_size=page_size)) == [other, booking, later]
    assert list(lorries.allocations(start=MONDAY, end=FRIDAY)) == [booking]
    assert list(lorries.allocations(end=MONDAY)) == [other]
    assert list(lorries.allocations(allocation_type="maintenance")) == [later]
    assert list(lorries.allocations(status="held")) == []


def test_the_allocations_of_an_unknown_vehicle_are_not_found(lorries):
    with pytest.raises(ResourceNotFound):
        list(lorries.allocations(ANOTHER_ID))


def test_a_freed_period_can_be_allocated_again(lorries, booking):
    lorries.free(booking.id, if_match=booking.etag)
    with pytest.raises(AllocationNotFound):
        lorries.allocation(booking.id)
    with pytest.raises(AllocationNotFound):
        lorries.free(booking.id)
    lorries.allocate(booking.resource_id, MONDAY, FRIDAY)


def test_an_allocation_of_another_version_is_not_freed(lorries, booking):
    with pytest.raises(VersionMismatch) as refused:
        lorries.free(booking.id, if_match='"0"')
    assert refused.value.etag == booking.etag
    assert lorries.allocation(booking.id) == booking
