"""The versions of vehicles and allocations: the same in each representation and in the ETag."""

import pytest

from tests.support.change_feed import FeedReader
from tests.support.hours_in_2099 import hour_start

XML = {"Accept": "application/xml"}


@pytest.fixture
def reader(client):
    return FeedReader(client)


def test_each_change_of_a_vehicle_adds_1_to_its_version(client, car, reader):
    for version in (2, 3):
        response = client.patch(car, json={"name": f"Renamed{version}"})
        assert (response.json["version"], response.headers["ETag"]) == (version, f'"{version}"')
    item, (entry,) = client.get(car), client.get("/api/cars").json
    assert (item.json, item.headers["ETag"], item.json["version"]) == (entry, '"3"', 3)
    assert client.get(car, headers=XML).headers["ETag"] == '"3-xml"'
    assert client.delete(car).status_code == 204
    # The event of the decommissioning has the last version.
    assert [event["data"]["version"] for event in reader.new_events()] == [1, 2, 3, 3]


def test_each_change_of_an_allocation_adds_1_to_its_version(client, car, allocate, reader):
    reader.new_events()
    hold = allocate(car, hour_start(10), hour_start(12), hold_seconds=60)
    url = hold.headers["Location"]
    assert (hold.json["version"], hold.headers["ETag"]) == (1, '"1"')
    for version, change in ((2, {"hold_seconds": 600}), (3, {"status": "confirmed"}), (4, {"reference": "PO 1"})):
        response = client.patch(url, json=change)
        assert (response.json["version"], response.headers["ETag"]) == (version, f'"{version}"')
    for path in (f"{car}/allocations", "/api/cars/all/allocations"):
        assert client.get(path).json == [response.json]
    (conflict,) = allocate(car, None, None).json["conflicts"]
    assert conflict["version"] == 4
    assert client.delete(url).status_code == 204
    assert [event["data"]["version"] for event in reader.new_events()] == [1, 2, 3, 4, 4]


def test_a_change_without_effect_keeps_the_version(client, car, booking):
    for url in (car, booking):
        before = client.get(url).json
        assert client.patch(url, json={}).json == before


def test_the_version_of_a_list_entry_or_conflict_makes_a_change_conditional(client, car, booking, allocate, refused):
    (entry,) = client.get(f"{car}/allocations").json
    (conflict,) = allocate(car, None, None).json["conflicts"]
    matches = [{"If-Match": f'"{item["version"]}"'} for item in (entry, conflict)]
    assert client.patch(booking, json={"reference": "PO 1"}, headers=matches[0]).status_code == 200
    refused(client.delete(booking, headers=matches[1]), 412, "version_mismatch")


def test_vehicles_are_open(client, car):
    assert client.get(car).json["closed_from"] is None
    assert client.get(car, headers=XML).text.count("<closed_from") == 1
