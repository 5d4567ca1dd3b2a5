"""Changes of allocations through the client: confirm and extend holds, change period and vehicle."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from invsys.inventory.db.models import ContinuousResourceAllocation, Event, db
from invsys_client import AllocationNotFound, HoldExpired, InvalidFields, PeriodTaken, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
SATURDAY = FRIDAY + timedelta(days=1)


@pytest.fixture
def hold(lorries, lorry):
    return lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)


def test_a_hold_prevents_other_allocations_and_can_be_confirmed(lorries, hold):
    assert hold.status == "held"
    assert timedelta(minutes=14) < hold.expires - hold.created < timedelta(minutes=16)
    with pytest.raises(PeriodTaken):
        lorries.allocate(hold.resource_id, MONDAY, FRIDAY)
    assert list(lorries.allocations(status="held")) == [hold]
    confirmed = lorries.confirm(hold.id, if_match=hold.etag)
    assert (confirmed.id, confirmed.status, confirmed.expires) == (hold.id, "confirmed", None)
    assert lorries.confirm(hold.id).etag == confirmed.etag


def test_a_hold_can_be_confirmed_with_another_end_in_one_call(lorries, hold):
    confirmed = lorries.update(hold.id, end=TUESDAY, status="confirmed")
    assert (confirmed.status, confirmed.end) == ("confirmed", TUESDAY)


def test_a_hold_can_be_extended(lorries, hold):
    extended = lorries.extend_hold(hold.id, 3600)
    assert extended.status == "held"
    assert extended.expires - hold.expires > timedelta(minutes=40)


def test_a_replayed_allocation_shows_that_its_hold_has_expired(app, lorries, lorry, booking):
    def allocate():
        return lorries.allocate(lorry.id, FRIDAY, None, hold_seconds=60, key="order-1")

    assert not allocate().is_expired
    with app.app_context(), db.engine.begin() as connection:
        for model in (ContinuousResourceAllocation, Event):
            holds = update(model).where(model.expires.is_not(None))
            connection.execute(holds.values(expires=datetime.now(UTC) - timedelta(microseconds=1)))
    repeated = allocate()
    assert (repeated.replayed, repeated.status, repeated.is_expired) == (True, "held", True)
    assert not booking.is_expired
    with pytest.raises(HoldExpired):
        lorries.confirm(repeated.id)


def test_the_hold_of_a_confirmed_allocation_cannot_be_extended(lorries, booking):
    with pytest.raises(InvalidFields) as error:
        lorries.extend_hold(booking.id, 60)
    assert set(error.value.errors) == {"hold_seconds"}


@pytest.mark.parametrize("end", [SATURDAY, TUESDAY, None])
def test_extend_changes_only_the_end(lorries, booking, end):
    changed = lorries.extend(booking.id, end, if_match=booking.etag)
    assert (changed.id, changed.start, changed.end) == (booking.id, MONDAY, end)
    assert changed.etag != booking.etag
    assert lorries.allocation(booking.id) == changed


def test_an_allocation_can_be_moved_to_another_vehicle(lorries, booking, spare):
    moved = lorries.move(booking.id, spare.id)
    assert (moved.id, moved.resource_id, moved.start, moved.end) == (booking.id, spare.id, MONDAY, FRIDAY)
    lorries.allocate(booking.resource_id, MONDAY, FRIDAY)


def test_ids_can_be_uuid_objects(lorries, booking, spare):
    moved = lorries.move(uuid.UUID(booking.id), uuid.UUID(spare.id))
    assert moved == lorries.allocation(uuid.UUID(booking.id))
    assert list(lorries.allocations(uuid.UUID(spare.id))) == [moved]


def test_all_fields_can_be_changed_in_one_call(lorries, booking, spare):
    changed = lorries.update(
        booking.id,
        start=None,
        end=TUESDAY,
        resource_id=spare.id,
        allocation_type="hire",
        description="now for the fair",
        dump={"order": 4711},
    )
    assert (changed.start, changed.end, changed.resource_id) == (None, TUESDAY, spare.id)
    assert (changed.allocation_type, changed.description) == ("hire", "now for the fair")
    assert changed.dump == {"order": 4711}
    assert lorries.update(booking.id, description=None).description is None


def test_a_rejected_change_changes_nothing(lorries, booking, spare):
    lorries.allocate(spare.id, TUESDAY, None)
    with pytest.raises(PeriodTaken):
        lorries.move(booking.id, spare.id)
    later = lorries.allocate(booking.resource_id, FRIDAY, None)
    with pytest.raises(PeriodTaken) as error:
        lorries.extend(booking.id, SATURDAY)
    assert [conflict.id for conflict in error.value.conflicts] == [later.id]
    assert lorries.allocation(booking.id).etag == booking.etag


def test_a_change_with_an_outdated_etag_raises_version_mismatch_with_the_current_etag(lorries, booking):
    changed = lorries.extend(booking.id, SATURDAY)
    with pytest.raises(VersionMismatch) as error:
        lorries.extend(booking.id, None, if_match=booking.etag)
    assert error.value.etag == changed.etag


def test_changing_an_unknown_allocation_raises_allocation_not_found(lorries):
    for call in (lorries.confirm, lorries.update):
        with pytest.raises(AllocationNotFound):
            call(ANOTHER_ID)
