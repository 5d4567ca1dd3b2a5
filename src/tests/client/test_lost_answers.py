"""What holds when answers were lost: an order is carried out once, a removal and a change are recognised as done."""

import pytest

from invsys.client import AllocationNotFound, Unavailable, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.faults import (
    BUSY,
    PASSING,
    answer_lost,
    answered,
    lost_on_the_way,
    meanwhile,
    unreachable,
    unreachable_by_proxy,
)


@pytest.mark.parametrize("fault", [*PASSING, answer_lost])
def test_an_order_is_carried_out_once_whatever_was_lost(connect, lorries, lorry, fault):
    client, way = connect(fault, fault, answer_lost)
    booking = client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY, description="one")
    assert [*lorries.allocations()] == [booking]
    assert booking.replayed
    assert len(way.requests) == 4
    assert len({request.headers["Idempotency-Key"] for request in way.requests}) == 1
    assert len({request.content for request in way.requests}) == 1


def test_a_vehicle_is_registered_once_and_several_are_allocated_once(connect, lorries):
    client, _ = connect(answer_lost)
    registered = client.collection("lorries").register("Lorry1")
    spare = connect()[0].collection("lorries").register("Lorry2")
    client, _ = connect(answer_lost)
    client.collection("lorries").allocate_several(2, MONDAY, FRIDAY)
    assert list(lorries.resources()) == [registered, spare]
    assert len(list(lorries.allocations())) == 2


def test_the_caller_s_key_settles_an_order_after_a_crash(connect, lorries, lorry):
    client, _ = connect(answer_lost, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert unavailable.value.key == "order-4711"
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY, key="order-4711")
    assert booking.replayed
    assert [*lorries.allocations()] == [booking]


def test_the_key_that_was_made_is_told_when_all_was_in_vain(connect, lorries, lorry):
    client, _ = connect(answer_lost, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY)
    assert lorries.allocate(lorry.id, MONDAY, FRIDAY, key=unavailable.value.key).replayed


@pytest.mark.parametrize("fault", [answer_lost, answered(502)])
def test_what_the_first_attempt_removed_is_removed(connect, lorries, booking, fault):
    client, way = connect(fault, answer_lost)
    client.collection("lorries").free(booking.id, if_match=booking.etag)
    client, way = connect(fault, answer_lost)
    client.collection("lorries").decommission(booking.resource_id)
    assert len(way.requests) == 3
    assert list(lorries.resources()) == []


@pytest.mark.parametrize("fault", [unreachable, unreachable_by_proxy, answered(429), BUSY])
def test_what_no_attempt_can_have_removed_is_not_found(connect, lorries, booking, fault):
    lorries.free(booking.id)
    client, _ = connect(fault)
    with pytest.raises(AllocationNotFound):
        client.collection("lorries").free(booking.id)


def test_what_was_changed_before_a_later_attempt_is_not_removed(connect, lorries, booking):
    client, _ = connect(meanwhile(lost_on_the_way, lambda: lorries.extend(booking.id, TUESDAY)))
    with pytest.raises(VersionMismatch):
        client.collection("lorries").free(booking.id, if_match=booking.etag)
    assert lorries.allocation(booking.id).end == TUESDAY


CHANGES = [
    {"end": TUESDAY},
    {"start": None, "end": None},
    {"description": "for the fair", "allocation_type": "hire", "dump": {"order": [1, 2.5, None]}},
]


@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("conditional", [True, False])
def test_a_change_whose_answer_was_lost_is_done(connect, lorries, booking, changes, conditional):
    client, way = connect(answer_lost)
    etag = booking.etag if conditional else None
    changed = client.collection("lorries").change(booking.id, if_match=etag, **changes)
    assert {name: getattr(changed, name) for name in changes} == changes
    now = lorries.allocation(booking.id)
    assert (changed, changed.etag) == (now, now.etag)
    assert len([request for request in way.requests if request.method == "PATCH"]) == 2


def test_a_move_a_confirmation_and_a_new_name_are_done_too(connect, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    confirmed = connect(answer_lost)[0].collection("lorries").confirm(hold.id, if_match=hold.etag)
    assert confirmed.status == "confirmed"
    moved = connect(answer_lost)[0].collection("lorries").move(hold.id, spare.id, if_match=confirmed.etag)
    assert moved.resource_id == spare.id
    renamed = connect(answer_lost)[0].collection("lorries").change_resource(lorry.id, name="A", if_match=lorry.etag)
    assert renamed.name == "A"


def test_a_change_that_somebody_else_has_overtaken_is_refused(connect, lorries, booking):
    client, _ = connect(meanwhile(answer_lost, lambda: lorries.change(booking.id, end=None, description="mine")))
    with pytest.raises(VersionMismatch) as refused:
        client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
    assert refused.value.etag == lorries.allocation(booking.id).etag


def test_what_others_changed_beside_it_does_not_matter(connect, lorries, booking):
    client, _ = connect(meanwhile(answer_lost, lambda: lorries.change(booking.id, description="mine")))
    changed = client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
    assert (changed.end, changed.description) == (TUESDAY, "mine")


def test_a_lost_extension_of_a_hold_cannot_be_recognised(connect, lorries, lorry):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=60)
    client, _ = connect(answer_lost)
    with pytest.raises(VersionMismatch):
        client.collection("lorries").extend_hold(hold.id, 3600, if_match=hold.etag)


@pytest.mark.parametrize("fault", [unreachable, unreachable_by_proxy, answered(429), BUSY])
def test_no_change_is_recognised_that_was_never_sent(connect, lorries, booking, fault):
    lorries.extend(booking.id, TUESDAY)
    client, _ = connect(fault)
    with pytest.raises(VersionMismatch):
        client.collection("lorries").extend(booking.id, TUESDAY, if_match=booking.etag)
