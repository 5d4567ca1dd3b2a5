"""``replace_vehicle``: a broken vehicle is closed, its allocations move, and its maintenance is entered."""

from datetime import UTC, datetime, timedelta

import pytest

from invsys_client import NoneAvailable, ResourceNotFound
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.faults import forward, response_lost

HOUR = timedelta(hours=1)


def periods(allocations):
    return [(allocation.start, allocation.end) for allocation in allocations]


def test_the_allocations_of_a_broken_lorry_move_to_others(lorries, lorry, spare, booking):
    before = lorries.allocate(lorry.id, None, MONDAY - HOUR)
    hold = lorries.allocate(lorry.id, FRIDAY, None, hold_seconds=900)
    replacement = lorries.replace_vehicle(lorry.id, start=MONDAY)
    assert replacement.resource == lorries.resource(lorry.id)
    assert replacement.resource.closed_from == MONDAY
    assert [one.id for one in replacement.moved] == [booking.id, hold.id]
    assert list(lorries.allocations(spare.id)) == list(replacement.moved)
    assert replacement.unmoved == ()
    [maintenance] = replacement.maintenance
    assert (maintenance.start, maintenance.end, maintenance.allocation_type) == (MONDAY, None, "maintenance")
    assert list(lorries.allocations(lorry.id)) == [before, maintenance]


def test_what_cannot_be_moved_is_returned_and_stays(lorries, lorry, spare):
    lorries.allocate(spare.id, TUESDAY, FRIDAY)
    first, second, third = (
        lorries.allocate(lorry.id, start, start + HOUR) for start in (MONDAY, TUESDAY, FRIDAY + HOUR)
    )
    replacement = lorries.replace_vehicle(lorry.id, start=MONDAY - HOUR, end=FRIDAY, description="gearbox")
    assert [one.id for one in replacement.moved] == [first.id]
    [unmoved] = replacement.unmoved
    assert (unmoved.allocation, type(unmoved.error)) == (second, NoneAvailable)
    assert periods(replacement.maintenance) == [(MONDAY - HOUR, TUESDAY), (TUESDAY + HOUR, FRIDAY)]
    assert {one.description for one in replacement.maintenance} == {"gearbox"}
    # After the end, the vehicle serves again.
    assert third in lorries.allocations(lorry.id)


def test_more_than_100_allocations_move_in_several_lists(connect, lorries, lorry, spare):
    for number in range(101):
        lorries.allocate(lorry.id, MONDAY + number * HOUR, MONDAY + (number + 1) * HOUR)
    client, transport = connect()
    replacement = client.collection("lorries").replace_vehicle(lorry.id, start=MONDAY)
    assert len(replacement.moved) == 101
    assert len([request for request in transport.requests if request.url.path.endswith("/changes")]) == 2


def test_an_interrupted_replacement_is_continued_by_the_same_call(lorries, connect, lorry, spare, booking):
    class Killed(BaseException):
        pass

    def kill(service, request):
        raise Killed

    complete = 0
    for number in range(20):
        client, _ = connect(*[forward] * number, kill)
        try:
            client.collection("lorries").replace_vehicle(lorry.id, start=MONDAY, end=FRIDAY)
        except Killed:
            continue
        complete = number
        break
    assert complete > 3
    types = {one.resource_id: one.allocation_type for one in lorries.allocations()}
    assert types == {lorry.id: "maintenance", spare.id: "booking"}
    assert lorries.count_allocations() == 2


def test_a_repeated_call_returns_the_maintenance_of_the_earlier_one(lorries, lorry, booking):
    first = lorries.replace_vehicle(lorry.id, start=MONDAY - HOUR, description="gearbox")
    repeated = lorries.replace_vehicle(lorry.id, start=MONDAY - HOUR, description="gearbox")
    assert repeated.maintenance == first.maintenance
    assert periods(repeated.maintenance) == [(MONDAY - HOUR, MONDAY), (FRIDAY, None)]
    lorries.deallocate(first.maintenance[0].id)
    [again, kept] = lorries.replace_vehicle(lorry.id, start=MONDAY - HOUR).maintenance
    assert (again.description, kept) == (None, first.maintenance[1])


def test_lost_responses_change_nothing(connect, lorries, lorry, spare, booking):
    client, _ = connect(*[response_lost, response_lost, forward] * 8)
    replacement = client.collection("lorries").replace_vehicle(lorry.id, start=MONDAY)
    assert [one.id for one in replacement.moved] == [booking.id]
    assert (lorries.count_allocations(), lorries.allocation(booking.id).version) == (2, 2)


def test_other_clients_can_change_the_allocations_at_the_same_time(connect, lorries, lorry, spare, booking):
    other = lorries.allocate(lorry.id, FRIDAY, None)
    changes = iter([lambda: lorries.update(booking.id, reference="PO 1"), lambda: lorries.deallocate(other.id)])

    def change_first(service, request):
        if request.url.path.endswith("/changes"):
            next(changes, lambda: None)()
        return forward(service, request)

    client, _ = connect(*[change_first] * 20)
    replacement = client.collection("lorries").replace_vehicle(lorry.id, start=MONDAY)
    assert ([one.id for one in replacement.moved], replacement.unmoved) == ([booking.id], ())
    assert periods(replacement.maintenance) == [(MONDAY, None)]


def test_without_a_start_the_vehicle_is_replaced_from_now_on(lorries, lorry, booking):
    before = datetime.now(UTC)
    replacement = lorries.replace_vehicle(lorry.id)
    assert before <= replacement.resource.closed_from <= datetime.now(UTC)
    assert [unmoved.allocation for unmoved in replacement.unmoved] == [booking]
    assert periods(replacement.maintenance) == [(replacement.resource.closed_from, MONDAY), (FRIDAY, None)]


def test_a_vehicle_that_is_closed_earlier_stays_closed(lorries, lorry, spare):
    lorries.close(lorry.id, MONDAY)
    assert lorries.replace_vehicle(lorry.id, start=TUESDAY).resource.closed_from == MONDAY
    assert lorries.replace_vehicle(lorry.id, start=MONDAY).maintenance[0].end == TUESDAY


def test_only_vehicles_with_the_attributes_are_used(lorries, lorry, spare, booking):
    assert len(lorries.replace_vehicle(lorry.id, start=MONDAY, attributes={"depot": "Leeds"}).unmoved) == 1
    lorries.update_resource(spare.id, attributes={"depot": "Leeds"})
    replacement = lorries.replace_vehicle(lorry.id, start=MONDAY, attributes={"depot": "Leeds"})
    assert [one.resource_id for one in replacement.moved] == [spare.id]


def test_errors_are_raised(lorries, lorry):
    with pytest.raises(ResourceNotFound):
        lorries.replace_vehicle("6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11")
    with pytest.raises(ValueError, match=r"^end: "):
        lorries.replace_vehicle(lorry.id, start=FRIDAY, end=MONDAY)
    assert lorries.resource(lorry.id) == lorry
