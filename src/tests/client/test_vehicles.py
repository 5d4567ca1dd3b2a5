"""Vehicles through the client: registered, found, changed, decommissioned."""

from datetime import UTC, datetime

import pytest

from invsys.client import NameTaken, ResourceInUse, ResourceNotFound, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def names(vehicles):
    return [vehicle.name for vehicle in vehicles]


def test_a_registered_vehicle_is_shown_as_it_was_answered(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds", "seats": 3, "crane": True})
    assert (lorry.name, lorry.resource_type) == ("Lorry1", "Lorry")
    assert lorry.attributes == {"depot": "Leeds", "seats": 3, "crane": True}
    assert abs((lorry.created - datetime.now(UTC)).total_seconds()) < 3600
    shown = lorries.resource(lorry.id)
    assert (shown, shown.etag, shown.replayed) == (lorry, lorry.etag, False)
    assert shown.etag is not None


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_a_list_goes_over_all_pages_and_gives_each_vehicle_once(lorries, page_size):
    registered = [lorries.register(f"Lorry{number}") for number in range(5)]
    assert list(lorries.resources(page_size=page_size)) == registered


def test_a_list_asks_for_a_page_when_it_is_wanted(connect, lorries):
    for number in range(3):
        lorries.register(f"Lorry{number}")
    client, way = connect()
    found = client.collection("lorries").resources(page_size=1)
    assert way.requests == []
    next(found)
    assert len(way.requests) == 1


def test_an_empty_list_ends_at_once(lorries):
    assert list(lorries.resources()) == []


def test_a_vehicle_is_found_by_its_name(lorries, lorry, spare):
    assert list(lorries.resources(name="Lorry2")) == [spare]
    assert list(lorries.resources(name="Lorry3")) == []


@pytest.mark.parametrize(
    ("start", "end", "free"),
    [
        (MONDAY, FRIDAY, ["Lorry2"]),
        (FRIDAY, None, ["Lorry1", "Lorry2"]),
        (None, MONDAY, ["Lorry1", "Lorry2"]),
        (None, FRIDAY, ["Lorry2"]),
        (None, None, ["Lorry1", "Lorry2"]),
    ],
)
def test_vehicles_are_found_by_when_they_are_free(lorries, booking, spare, start, end, free):
    assert names(lorries.resources(available_from=start, available_to=end, page_size=1)) == free


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"depot": "Leeds"}, ["A", "B"]),
        ({"depot": "Leeds", "crane": True}, ["B"]),
        ({"seats": 4}, ["C"]),
        ({"depot": "Hull & Goole"}, ["C"]),
        ({"depot": "York"}, []),
    ],
)
def test_vehicles_are_found_by_their_attributes(lorries, attributes, found):
    lorries.register("A", attributes={"depot": "Leeds", "crane": False})
    lorries.register("B", attributes={"depot": "Leeds", "crane": True})
    lorries.register("C", attributes={"depot": "Hull & Goole", "seats": 4})
    assert names(lorries.resources(attributes=attributes, page_size=1)) == found


def test_a_vehicle_is_renamed_and_what_is_not_named_stays(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds"})
    renamed = lorries.change_resource(lorry.id, name="Lorry9", if_match=lorry.etag)
    assert (renamed.name, renamed.attributes) == ("Lorry9", {"depot": "Leeds"})
    assert renamed.etag != lorry.etag
    assert lorries.resource(lorry.id) == renamed


def test_new_attributes_replace_the_old_ones(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds"})
    assert lorries.change_resource(lorry.id, attributes={"seats": 2}).attributes == {"seats": 2}


def test_a_change_of_an_older_version_is_refused_with_the_present_one(lorries, lorry):
    renamed = lorries.change_resource(lorry.id, name="Lorry9")
    with pytest.raises(VersionMismatch) as refused:
        lorries.change_resource(lorry.id, name="Lorry8", if_match=lorry.etag)
    assert refused.value.etag == renamed.etag


def test_a_name_that_is_taken_is_refused(lorries, lorry, spare):
    with pytest.raises(NameTaken):
        lorries.register(lorry.name)
    with pytest.raises(NameTaken):
        lorries.change_resource(spare.id, name=lorry.name)


def test_a_decommissioned_vehicle_is_gone(lorries, lorry):
    lorries.decommission(lorry.id, if_match=lorry.etag)
    for call in (lorries.resource, lorries.decommission, lorries.icalendar, lorries.availability):
        with pytest.raises(ResourceNotFound):
            call(lorry.id)
    assert list(lorries.resources()) == []


def test_a_vehicle_in_use_is_not_decommissioned_and_the_refusal_says_why(lorries, booking):
    with pytest.raises(ResourceInUse) as refused:
        lorries.decommission(booking.resource_id)
    assert [conflict.id for conflict in refused.value.conflicts] == [booking.id]


def test_a_vehicle_of_another_collection_is_not_found(invsys, lorry):
    with pytest.raises(ResourceNotFound):
        invsys.collection("cars").resource(lorry.id)


def test_a_vehicle_that_never_was_is_not_found(lorries):
    with pytest.raises(ResourceNotFound) as refused:
        lorries.resource(ANOTHER_ID)
    assert (refused.value.status, refused.value.code) == (404, "resource_not_found")


@pytest.mark.parametrize("number", [1e-4, 1e-5, -1.5e-5, 1.2345e-6, 9e-9, 1e-10, 1e16, 0.1, -0.0, 4, 2**63 - 1])
def test_a_number_is_asked_for_as_the_service_writes_it(lorries, number):
    lorry = lorries.register("Lorry1", attributes={"rate": number})
    assert list(lorries.resources(attributes={"rate": number})) == [lorry]
    assert list(lorries.resources(attributes={"rate": number + 1 if number < 1e9 else 1})) == []
