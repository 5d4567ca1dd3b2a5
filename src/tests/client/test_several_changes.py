"""Moves to any vehicle and several changes in one call, through the client."""

import uuid

import pytest

from invsys_client import (
    ANY_VEHICLE,
    AllocationNotFound,
    InvalidFields,
    NoneAvailable,
    PeriodTaken,
    VersionMismatch,
)
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


@pytest.fixture
def other(lorries, spare):
    """The allocation of the other lorry from Monday to Friday."""
    return lorries.allocate(spare.id, MONDAY, FRIDAY)


def test_an_allocation_moves_to_any_vehicle_with_the_attributes(lorries, booking):
    lorries.register("Small", attributes={"axles": 2})
    large = lorries.register("Large", attributes={"axles": 3})
    moved = lorries.move_to_any(booking.id, attributes={"axles": 3}, if_match=booking.version)
    assert (moved.id, moved.resource_id, moved.version) == (booking.id, large.id, 2)
    with pytest.raises(NoneAvailable) as error:
        lorries.move_to_any(booking.id, attributes={"axles": 4})
    assert error.value.index is None


def test_the_period_can_change_during_a_move_to_any_vehicle(lorries, booking, other):
    with pytest.raises(NoneAvailable):
        lorries.move_to_any(booking.id)
    moved = lorries.update(booking.id, resource_id=ANY_VEHICLE, start=FRIDAY, end=None, description="later")
    assert (moved.resource_id, moved.start, moved.end) == (other.resource_id, FRIDAY, None)


def test_two_allocations_swap_their_vehicles(lorries, lorry, spare, booking, other):
    swapped = lorries.update_several(
        [
            {"id": booking.id, "resource_id": spare.id, "version": booking.version},
            {"id": uuid.UUID(other.id), "resource_id": uuid.UUID(lorry.id), "end": TUESDAY, "dump": {"order": 1}},
        ]
    )
    assert [(one.id, one.resource_id, one.end) for one in swapped] == [
        (booking.id, spare.id, FRIDAY),
        (other.id, lorry.id, TUESDAY),
    ]
    assert swapped == [lorries.allocation(one.id) for one in swapped]


def test_several_changes_are_made_once_with_one_key(lorries, booking, other):
    changes = [{"id": one.id, "resource_id": ANY_VEHICLE} for one in (booking, other)]
    first, replay = (lorries.update_several(changes, key="order-1") for _ in range(2))
    assert first == replay
    assert ({one.replayed for one in first}, {one.replayed for one in replay}) == ({False}, {True})


def test_a_rejected_change_is_named_by_its_index(lorries, spare, booking, other):
    with pytest.raises(PeriodTaken) as taken:
        lorries.update_several([{"id": other.id, "description": "x"}, {"id": booking.id, "resource_id": spare.id}])
    assert (taken.value.index, [conflict.id for conflict in taken.value.conflicts]) == (1, [other.id])
    with pytest.raises(VersionMismatch) as mismatch:
        lorries.update_several([{"id": booking.id}, {"id": other.id, "version": 7}])
    assert (mismatch.value.index, mismatch.value.version, mismatch.value.etag) == (1, 1, None)
    with pytest.raises(AllocationNotFound) as missing:
        lorries.update_several([{"id": ANOTHER_ID}])
    assert missing.value.index == 0
    with pytest.raises(InvalidFields) as invalid:
        lorries.update_several([{"id": booking.id, "start": FRIDAY}])
    assert set(invalid.value.errors) == {"changes.0.to_datetime"}


@pytest.mark.parametrize("change", [{"id": "any"}, {"id": "x"}, {"id": ANOTHER_ID, "resource_id": "all"}])
def test_an_id_that_is_not_a_uuid_is_rejected_before_a_request(lorries, change):
    with pytest.raises(ValueError, match=r"^changes\[0\]\.(id|resource_id): .* is not a UUID"):
        lorries.update_several([change])
