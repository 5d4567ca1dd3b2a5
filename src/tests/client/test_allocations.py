"""Allocations through the client: create, list, delete."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from invsys_client import (
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


def test_a_stored_allocation_equals_the_created_one(lorries, lorry):
    booking = lorries.allocate(
        lorry.id, MONDAY, FRIDAY, allocation_type="hire", description="for the fair", dump={"order": [4711, None]}
    )
    assert (booking.resource_id, booking.resource_type) == (lorry.id, "Lorry")
    assert (booking.start, booking.end) == (MONDAY, FRIDAY)
    assert (booking.allocation_type, booking.description) == ("hire", "for the fair")
    assert booking.dump == {"order": [4711, None]}
    assert (booking.status, booking.expires, booking.replayed) == ("confirmed", None, False)
    stored = lorries.allocation(booking.id)
    assert (stored, stored.etag) == (booking, booking.etag)
    assert stored.etag is not None


def test_omitted_options_get_the_defaults_of_the_service(lorries, lorry):
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY)
    assert (booking.allocation_type, booking.description, booking.dump) == ("booking", None, {})


@pytest.mark.parametrize(("start", "end"), [(None, FRIDAY), (MONDAY, None), (None, None)])
def test_none_is_an_infinite_bound(lorries, lorry, start, end):
    booking = lorries.allocate(lorry.id, start, end)
    assert (booking.start, booking.end) == (start, end)


def test_a_time_in_another_time_zone_is_converted_to_utc(lorries, lorry):
    start = datetime(2099, 3, 2, 9, 0, 0, 250_000, tzinfo=BERLIN)
    booking = lorries.allocate(lorry.id, start, None)
    assert booking.start == start
    assert booking.start.tzinfo == UTC


def test_a_taken_period_raises_period_taken_with_the_conflicts(lorries, booking):
    with pytest.raises(PeriodTaken) as error:
        lorries.allocate(booking.resource_id, TUESDAY, None)
    (conflict,) = error.value.conflicts
    assert (conflict.id, conflict.start, conflict.end) == (booking.id, MONDAY, FRIDAY)
    assert conflict.allocation_type == "booking"
    assert error.value.detail
    assert error.value.request_id


def test_invalid_fields_are_named_in_the_error(lorries, booking):
    with pytest.raises(InvalidFields) as error:
        lorries.update(booking.id, start=FRIDAY, reference="A")
    assert set(error.value.errors) == {"to_datetime"}


def test_allocate_any_succeeds_while_a_vehicle_is_free(lorries, lorry, spare):
    first, second = (lorries.allocate_any(MONDAY, FRIDAY, description="any") for _ in range(2))
    assert {first.resource_id, second.resource_id} == {lorry.id, spare.id}
    assert lorries.allocation(first.id) == first
    with pytest.raises(NoneAvailable):
        lorries.allocate_any(TUESDAY, FRIDAY)


def test_allocate_any_returns_a_vehicle_with_the_requested_attributes(lorries, lorry):
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


def test_a_call_repeated_with_the_same_key_is_executed_once(lorries, lorry, spare):
    first = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    repeated = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert (repeated, repeated.replayed, first.replayed) == (first, True, False)
    several = [lorries.allocate_several(2, FRIDAY, None, key="order-4712") for _ in range(2)]
    assert several[0] == several[1]
    assert [booking.replayed for booking in several[1]] == [True, True]
    vehicles = [lorries.register("Lorry9", key="vehicle-9") for _ in range(2)]
    assert vehicles[0] == vehicles[1]
    assert vehicles[1].replayed


def test_a_key_cannot_be_used_for_another_request(lorries, lorry):
    lorries.allocate(lorry.id, MONDAY, TUESDAY, key="order-4711")
    with pytest.raises(IdempotencyKeyReused):
        lorries.allocate(lorry.id, TUESDAY, FRIDAY, key="order-4711")


def test_calls_without_a_key_are_separate_requests(lorries, lorry):
    lorries.allocate(lorry.id, MONDAY, FRIDAY)
    with pytest.raises(PeriodTaken):
        lorries.allocate(lorry.id, MONDAY, FRIDAY)


@pytest.mark.parametrize("page_size", [1, 100])
def test_allocations_of_one_vehicle_or_of_all_are_listed(lorries, booking, spare, page_size):
    later = lorries.allocate(booking.resource_id, FRIDAY, None, allocation_type="maintenance")
    other = lorries.allocate(spare.id, None, MONDAY)
    assert list(lorries.allocations(booking.resource_id, page_size=page_size)) == [booking, later]
    assert list(lorries.allocations(page_size=page_size)) == [other, booking, later]
    assert list(lorries.allocations(start=MONDAY, end=FRIDAY)) == [booking]
    assert list(lorries.allocations(end=MONDAY)) == [other]
    assert list(lorries.allocations(allocation_type="maintenance")) == [later]
    assert list(lorries.allocations(status="held")) == []


def test_allocations_are_found_by_the_number_of_the_order(lorries, lorry, spare):
    several = lorries.allocate_several(2, MONDAY, TUESDAY, reference="PO 4711")
    other = lorries.allocate(lorry.id, TUESDAY, FRIDAY, reference="PO 4712")
    later = lorries.allocate_any(FRIDAY, None, reference="PO 4711")
    found = list(lorries.allocations(reference="PO 4711"))
    assert [allocation.reference for allocation in found] == ["PO 4711"] * 3
    assert {allocation.id for allocation in found} == {allocation.id for allocation in [*several, later]}
    assert list(lorries.allocations(lorry.id, reference="PO 4712")) == [other]
    assert lorries.update(other.id, reference=None).reference is None
    assert list(lorries.allocations(reference="PO 4712")) == []


def test_listing_the_allocations_of_an_unknown_vehicle_raises_resource_not_found(lorries):
    with pytest.raises(ResourceNotFound):
        list(lorries.allocations(ANOTHER_ID))


def test_a_deallocated_period_can_be_allocated_again(lorries, booking):
    lorries.deallocate(booking.id, if_match=booking.etag)
    with pytest.raises(AllocationNotFound):
        lorries.allocation(booking.id)
    with pytest.raises(AllocationNotFound):
        lorries.deallocate(booking.id)
    lorries.allocate(booking.resource_id, MONDAY, FRIDAY)


def test_an_allocation_with_another_etag_is_not_deleted(lorries, booking):
    with pytest.raises(VersionMismatch) as error:
        lorries.deallocate(booking.id, if_match='"0"')
    assert error.value.etag == booking.etag
    assert lorries.allocation(booking.id) == booking
