"""What stands at the edge of what can be asked for."""

import icalendar

from tests.support.instants import period_fields


def test_an_item_that_is_there_matches_any_version(client, car):
    response = client.get(car, headers={"If-Match": "*"})
    assert (response.status_code, response.json["name"]) == (200, "Car1")


def test_an_item_of_another_version_than_asked_for_is_a_problem_or_shown(client, car):
    response = client.get(car, headers={"If-Match": '"7"'})
    assert (response.status_code, response.mimetype) in [(200, "application/json"), (412, "application/problem+json")]


def test_more_filters_than_a_vehicle_has_attributes_are_no_outage(client, car):
    query = [("attribute.k", "v")] * 1200
    assert client.get("/api/cars", query_string=query).status_code in (200, 422)


def test_a_calendar_shows_what_ends_with_the_first_instant_there_is(client, car):
    allocation = period_fields(None, 1) | {"to_datetime": "1900-01-01T00:00:00Z"}
    assert client.post(f"{car}/allocations", json=allocation).status_code == 201
    calendar = icalendar.Calendar.from_ical(client.get(f"{car}/allocations.ics").data)
    (event,) = calendar.walk("VEVENT")
    assert event["DTSTART"].dt < event["DTEND"].dt
