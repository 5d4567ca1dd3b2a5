"""Vehicles through the client: register, find, change, decommission."""

from datetime import UTC, datetime

import pytest

from invsys_client import NameTaken, ResourceInUse, ResourceNotFound, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY

ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"


def names(vehicles):
    return [vehicle.name for vehicle in vehicles]


def test_a_stored_vehicle_equals_the_registered_one(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds", "seats": 3, "crane": True})
    assert (lorry.name, lorry.resource_type) == ("Lorry1", "Lorry")
    assert lorry.attributes == {"depot": "Leeds", "seats": 3, "crane": True}
    assert abs((lorry.created - datetime.now(UTC)).total_seconds()) < 3600
    stored = lorries.resource(lorry.id)
    assert (stored, stored.etag, stored.replayed) == (lorry, lorry.etag, False)
    assert stored.etag is not None


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_a_list_returns_each_vehicle_of_all_pages_once(lorries, page_size):
    registered = [lorries.register(f"Lorry{number}") for number in range(5)]
    assert list(lorries.resources(page_size=page_size)) == registered


def test_a_page_is_requested_when_it_is_needed(connect, lorries):
    for number in range(3):
        lorries.register(f"Lorry{number}")
    client, transport = connect()
    vehicles = client.collection("lorries").resources(page_size=1)
    assert transport.requests == []
    next(vehicles)
    assert len(transport.requests) == 1


def test_a_list_can_be_empty(lorries):
    assert list(lorries.resources()) == []


def test_vehicles_can_be_filtered_by_name(lorries, lorry, spare):
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
def test_vehicles_can_be_filtered_by_availability(lorries, booking, spare, start, end, free):
    assert names(lorries.resources(available_from=start, available_to=end, page_size=1)) == free


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"depot": "Leeds"}, ["A", "B"]),
        ({"depot": "Leeds", "crane": True}, ["B"]),
        ({"seats": 4}, ["C"]),
        ({"depot": "Hull & Goole"}, ["C"]),
        ({"depot": "York"}, []),
    ],
)
def test_vehicles_can_be_filtered_by_attributes(lorries, attributes, expected):
    lorries.register("A", attributes={"depot": "Leeds", "crane": False})
    lorries.register("B", attributes={"depot": "Leeds", "crane": True})
    lorries.register("C", attributes={"depot": "Hull & Goole", "seats": 4})
    assert names(lorries.resources(attributes=attributes, page_size=1)) == expected


def test_renaming_a_vehicle_keeps_its_attributes(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds"})
    renamed = lorries.update_resource(lorry.id, name="Lorry9", if_match=lorry.etag)
    assert (renamed.name, renamed.attributes) == ("Lorry9", {"depot": "Leeds"})
    assert renamed.etag != lorry.etag
    assert lorries.resource(lorry.id) == renamed


def test_new_attributes_replace_the_old_ones(lorries):
    lorry = lorries.register("Lorry1", attributes={"depot": "Leeds"})
    assert lorries.update_resource(lorry.id, attributes={"seats": 2}).attributes == {"seats": 2}


def test_a_change_with_an_outdated_etag_raises_version_mismatch_with_the_current_etag(lorries, lorry):
    renamed = lorries.update_resource(lorry.id, name="Lorry9")
    with pytest.raises(VersionMismatch) as error:
        lorries.update_resource(lorry.id, name="Lorry8", if_match=lorry.etag)
    assert error.value.etag == renamed.etag


def test_a_taken_name_raises_name_taken(lorries, lorry, spare):
    with pytest.raises(NameTaken):
        lorries.register(lorry.name)
    with pytest.raises(NameTaken):
        lorries.update_resource(spare.id, name=lorry.name)


def test_a_decommissioned_vehicle_is_not_found(lorries, lorry):
    lorries.decommission(lorry.id, if_match=lorry.etag)
    for call in (lorries.resource, lorries.decommission, lorries.icalendar, lorries.availability):
        with pytest.raises(ResourceNotFound):
            call(lorry.id)
    assert list(lorries.resources()) == []


def test_decommissioning_a_vehicle_in_use_raises_resource_in_use_with_the_conflicts(lorries, booking):
    with pytest.raises(ResourceInUse) as error:
        lorries.decommission(booking.resource_id)
    assert [conflict.id for conflict in error.value.conflicts] == [booking.id]


def test_a_vehicle_in_another_collection_is_not_found(invsys, lorry):
    with pytest.raises(ResourceNotFound):
        invsys.collection("cars").resource(lorry.id)


def test_an_unknown_vehicle_is_not_found(lorries):
    with pytest.raises(ResourceNotFound) as error:
        lorries.resource(ANOTHER_ID)
    assert (error.value.status, error.value.code) == (404, "resource_not_found")


@pytest.mark.parametrize("number", [1e-4, 1e-5, -1.5e-5, 1.2345e-6, 9e-9, 1e-10, 1e16, 0.1, -0.0, 4, 2**63 - 1])
def test_a_number_is_found_by_its_value(lorries, number):
    lorry = lorries.register("Lorry1", attributes={"rate": number})
    assert list(lorries.resources(attributes={"rate": number})) == [lorry]
    assert list(lorries.resources(attributes={"rate": number + 1 if number < 1e9 else 1})) == []
