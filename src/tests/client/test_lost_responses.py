"""Lost responses: each request is executed once, and a retry detects that a change or deletion was already made."""

import pytest

from invsys_client import ANY_VERSION, AllocationNotFound, Unavailable, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.faults import (
    BUSY,
    TRANSIENT_FAULTS,
    connection_reset,
    respond,
    response_lost,
    then_run,
    unreachable,
    unreachable_by_proxy,
)


@pytest.mark.parametrize("fault", [*TRANSIENT_FAULTS, response_lost])
def test_an_allocation_is_created_once_after_any_fault(connect, lorries, lorry, fault):
    client, transport = connect(fault, fault, response_lost)
    booking = client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY, description="one")
    assert [*lorries.allocations()] == [booking]
    assert booking.replayed
    assert len(transport.requests) == 4
    assert len({request.headers["Idempotency-Key"] for request in transport.requests}) == 1
    assert len({request.content for request in transport.requests}) == 1


def test_registering_and_allocating_several_are_executed_once(connect, lorries):
    client, _ = connect(response_lost)
    registered = client.collection("lorries").register("Lorry1")
    spare = connect()[0].collection("lorries").register("Lorry2")
    client, _ = connect(response_lost)
    client.collection("lorries").allocate_several(2, MONDAY, FRIDAY)
    assert list(lorries.resources()) == [registered, spare]
    assert len(list(lorries.allocations())) == 2


def test_a_call_can_be_repeated_with_its_key_after_a_crash(connect, lorries, lorry):
    client, _ = connect(response_lost, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert unavailable.value.key == "order-4711"
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert booking.replayed
    assert [*lorries.allocations()] == [booking]


def test_unavailable_contains_the_generated_key(connect, lorries, lorry):
    client, _ = connect(response_lost, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY)
    assert lorries.allocate(lorry.id, MONDAY, FRIDAY, key=unavailable.value.key).replayed


@pytest.mark.parametrize("fault", [response_lost, respond(502)])
def test_a_repeated_deletion_that_gets_404_succeeds(connect, lorries, booking, fault):
    client, transport = connect(fault, response_lost)
    client.collection("lorries").deallocate(booking.id, if_match=booking.etag)
    client, transport = connect(fault, response_lost)
    client.collection("lorries").decommission(booking.resource_id)
    assert len(transport.requests) == 3
    assert list(lorries.resources()) == []


@pytest.mark.parametrize("fault", [unreachable, unreachable_by_proxy, respond(429), BUSY])
def test_a_deletion_raises_not_found_if_no_attempt_can_have_been_executed(connect, lorries, booking, fault):
    lorries.deallocate(booking.id)
    client, _ = connect(fault)
    with pytest.raises(AllocationNotFound):
        client.collection("lorries").deallocate(booking.id)


def test_a_retried_deletion_fails_if_the_allocation_was_changed_in_between(connect, lorries, booking):
    client, _ = connect(then_run(connection_reset, lambda: lorries.extend(booking.id, TUESDAY)))
    with pytest.raises(VersionMismatch):
        client.collection("lorries").deallocate(booking.id, if_match=booking.etag)
    assert lorries.allocation(booking.id).end == TUESDAY


CHANGES = [
    {"end": TUESDAY},
    {"start": None, "end": None},
    {"reference": "PO 4711"},
    {"description": "for the fair", "allocation_type": "hire", "dump": {"order": [1, 2.5, None]}},
]


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("conditional", [True, False])
def test_a_change_whose_response_was_lost_succeeds(connect, lorries, booking, changes, conditional):
    client, transport = connect(response_lost)
    match = booking.version if conditional else ANY_VERSION
    changed = client.collection("lorries").update(booking.id, if_match=match, **changes)
    assert {name: getattr(changed, name) for name in changes} == changes
    current = lorries.allocation(booking.id)
    assert (changed, changed.etag) == (current, current.etag)
    # Without If-Match, a repeated change could undo the change of another client.
    assert len([request for request in transport.requests if request.method == "PATCH"]) == (2 if conditional else 1)


CHANGES_WITHOUT_VERSION = {
    "update": lambda lorries, lorry, booking: lorries.update(booking.id, end=TUESDAY),
    "extend": lambda lorries, lorry, booking: lorries.extend(booking.id, TUESDAY),
    "move": lambda lorries, lorry, booking: lorries.move(booking.id, lorries.register("Lorry3").id),
    "move_to_any": lambda lorries, lorry, booking: lorries.move_to_any(booking.id),
    "close": lambda lorries, lorry, booking: lorries.close(lorry.id, FRIDAY),
}


@pytest.mark.usefixtures("spare")
@pytest.mark.parametrize("call", CHANGES_WITHOUT_VERSION.values(), ids=CHANGES_WITHOUT_VERSION)
def test_a_change_without_a_version_is_not_repeated_if_it_may_have_been_made(connect, lorries, lorry, booking, call):
    client, transport = connect()
    with transport.fails_at("PATCH", connection_reset), pytest.raises(Unavailable) as unavailable:
        call(client.collection("lorries"), lorry, booking)
    assert (unavailable.value.attempts, unavailable.value.key) == (1, None)
    assert len([request for request in transport.requests if request.method == "PATCH"]) == 1
    assert (lorries.allocation(booking.id), lorries.resource(lorry.id)) == (booking, lorry)


@pytest.mark.parametrize("fault", [unreachable, respond(429), BUSY])
def test_a_change_without_a_version_is_repeated_if_it_cannot_have_been_made(connect, booking, fault):
    assert connect(fault)[0].collection("lorries").extend(booking.id, TUESDAY).end == TUESDAY


@pytest.mark.parametrize("fault", [response_lost, connection_reset])
def test_a_hold_is_confirmed_after_any_fault(connect, lorries, lorry, fault):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    assert connect(fault, fault)[0].collection("lorries").confirm(hold.id).status == "confirmed"


def test_confirming_moving_and_renaming_succeed_if_the_response_was_lost(connect, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    confirmed = connect(response_lost)[0].collection("lorries").confirm(hold.id, if_match=hold.etag)
    assert confirmed.status == "confirmed"
    moved = connect(response_lost)[0].collection("lorries").move(hold.id, spare.id, if_match=confirmed.etag)
    assert moved.resource_id == spare.id
    renamed = connect(response_lost)[0].collection("lorries").update_resource(lorry.id, name="A", if_match=lorry.etag)
    assert renamed.name == "A"


def test_several_changes_are_made_once_if_the_response_was_lost(connect, lorries, lorry, spare, booking):
    other = lorries.allocate(spare.id, MONDAY, FRIDAY)
    client, transport = connect(response_lost, response_lost)
    changes = [
        {"id": booking.id, "version": 1, "resource_id": spare.id},
        {"id": other.id, "version": 1, "resource_id": lorry.id},
    ]
    changed = client.collection("lorries").update_several(changes)
    assert len(transport.requests) == 3
    assert all(allocation.replayed for allocation in changed)
    assert changed == [lorries.allocation(allocation.id) for allocation in (booking, other)]
    assert [allocation.version for allocation in changed] == [2, 2]


@pytest.mark.usefixtures("spare")
def test_a_retried_move_to_any_vehicle_raises_version_mismatch(connect, lorries, booking):
    client, _ = connect(response_lost)
    with pytest.raises(VersionMismatch):
        client.collection("lorries").move_to_any(booking.id, if_match=booking.version)
    assert lorries.allocation(booking.id).version == 2


def test_a_retried_change_fails_if_another_client_changed_the_same_field(connect, lorries, booking):
    client, _ = connect(then_run(response_lost, lambda: lorries.update(booking.id, end=None, description="other")))
    with pytest.raises(VersionMismatch) as error:
        client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
    assert error.value.etag == lorries.allocation(booking.id).etag


def test_a_retried_change_succeeds_if_another_client_changed_another_field(connect, lorries, booking):
    client, _ = connect(then_run(response_lost, lambda: lorries.update(booking.id, description="other")))
    changed = client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
    assert (changed.end, changed.description) == (TUESDAY, "other")


def test_a_retried_extension_of_a_hold_raises_version_mismatch(connect, lorries, lorry):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=60)
    client, _ = connect(response_lost)
    with pytest.raises(VersionMismatch):
        client.collection("lorries").extend_hold(hold.id, 3600, if_match=hold.etag)


@pytest.mark.parametrize("fault", [unreachable, unreachable_by_proxy, respond(429), BUSY])
def test_a_change_raises_version_mismatch_if_no_attempt_can_have_been_executed(connect, lorries, booking, fault):
    lorries.extend(booking.id, TUESDAY)
    client, _ = connect(fault)
    with pytest.raises(VersionMismatch):
        client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
