"""Lists through the client: their filters, their order, and the number of their items."""

import pytest

from invsys_client import InvalidFields, ResourceNotFound
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.client.test_vehicles import ANOTHER_ID, names


@pytest.fixture
def bookings(lorries, lorry, spare):
    """Three allocations, ordered by start; the second one is for the other lorry."""
    return [
        lorries.allocate(vehicle.id, start, end, allocation_type=kind)
        for vehicle, start, end, kind in (
            (lorry, None, MONDAY, "booking"),
            (spare, MONDAY, TUESDAY, "fair"),
            (lorry, TUESDAY, None, "booking"),
        )
    ]


@pytest.mark.parametrize("page_size", [1, 100])
def test_allocations_can_be_listed_from_the_last_to_the_first(lorries, lorry, bookings, page_size):
    assert list(lorries.allocations(order="-from", page_size=page_size)) == bookings[::-1]
    assert list(lorries.allocations(order="from", page_size=page_size)) == bookings
    assert list(lorries.allocations(lorry.id, order="-from", page_size=page_size)) == bookings[::-2]


@pytest.mark.parametrize("page_size", [1, 100])
def test_the_allocations_of_several_vehicles_are_one_list(lorries, lorry, spare, bookings, page_size):
    third = lorries.register("Lorry3")
    lorries.allocate(third.id, None, None)
    both = [lorry.id, spare.id, ANOTHER_ID]
    assert list(lorries.allocations(resource_ids=both, page_size=page_size)) == bookings
    assert list(lorries.allocations(resource_ids=iter(both), start=MONDAY, end=TUESDAY)) == bookings[1:2]
    assert lorries.count_allocations(resource_ids=both) == 3
    free = lorries.availability_of_all(MONDAY, FRIDAY, resource_ids=both, page_size=page_size)
    assert [row.resource_id for row in free] == both[:2]


def test_a_list_of_no_vehicles_is_empty(connect):
    client, transport = connect()
    lorries = client.collection("lorries")
    assert list(lorries.allocations(resource_ids=[])) == list(lorries.availability_of_all(resource_ids=())) == []
    assert lorries.count_allocations(resource_ids=[]) == 0
    assert transport.requests == []


def test_vehicles_can_be_found_by_the_beginning_of_their_names(lorries):
    for name in ("b", "ab", "a%", "A"):
        lorries.register(name)
    assert names(lorries.resources(name_prefix="a")) == ["ab", "a%"]
    assert names(lorries.resources(name_prefix="a", order="name")) == ["a%", "ab"]
    assert names(lorries.resources(name_prefix="a%")) == ["a%"]
    assert names(lorries.resources(order="name", page_size=1)) == ["A", "a%", "ab", "b"]
    assert names(lorries.resources(order="name", available_from=MONDAY)) == ["A", "a%", "ab", "b"]


def test_the_number_of_items_counts_those_that_the_list_has(lorries, lorry, spare, bookings):
    assert (lorries.count_resources(), lorries.count_resources(name_prefix="Lorry2")) == (2, 1)
    assert lorries.count_resources(available_from=MONDAY, available_to=TUESDAY) == 1
    assert lorries.count_resources(attributes={"depot": "Leeds"}) == 0
    assert (lorries.count_allocations(), lorries.count_allocations(lorry.id)) == (3, 2)
    assert lorries.count_allocations(start=TUESDAY, allocation_type="booking") == 1
    with pytest.raises(ResourceNotFound):
        lorries.count_allocations(ANOTHER_ID)


def test_an_allocation_shows_its_creator(lorries, booking):
    assert booking.client_id is None
    assert lorries.allocation(booking.id) == booking


def test_an_argument_that_is_no_filter_is_an_error(lorries, lorry):
    for call in (lorries.resources, lorries.count_resources, lorries.allocations, lorries.count_allocations):
        with pytest.raises(TypeError, match="unexpected arguments: naem"):
            call(naem="Lorry1")
    with pytest.raises(ValueError, match="resource_ids: 'x' is not a UUID"):
        lorries.allocations(resource_ids=["x"])
    with pytest.raises(ValueError, match="resource_ids: 101 values"):
        lorries.allocations(resource_ids=[ANOTHER_ID] * 101)
    with pytest.raises(InvalidFields):
        list(lorries.allocations(lorry.id, resource_ids=[ANOTHER_ID]))
