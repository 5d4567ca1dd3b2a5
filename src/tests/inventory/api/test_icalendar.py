"""A vehicle's allocations as an iCalendar (RFC 5545), parsed with the icalendar library and checked byte by byte."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select

from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, db
from invsys.inventory.formats import icalendar
from invsys.inventory.period import ALWAYS, Period
from tests.support.tables import table_driven

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANOTHER_ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2098, 1, 1, tzinfo=UTC)

HOSTILE = [
    "a,b;c:d\\e\"f'g",
    "\\n \\N \\, \\; \\\\",
    "first\nsecond\r\nthird\rfourth",
    "\n",
    "tab\there",
    "END:VEVENT\r\nBEGIN:VEVENT",
    "\x01\x0b\x1f\x7f\x85\u2028\u2029\ufeff",
    "🚗" * 100,
    "e\u0301" * 50,
    "👨‍👩‍👧‍👦" * 14,
    "x" * 100,
    "é" * 100,
    " blank ends ",
    "\u202eright to left\u202c",
]


def read(body):
    """Check that all bytes and lines conform to the standard, and return the calendar as parsed by the library."""
    assert body.endswith(b"END:VCALENDAR\r\n")
    for line in body.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 75
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
        line.decode()
    content = body.replace(b"\r\n ", b"").decode().splitlines()
    assert content[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
    assert all(re.match("[A-Z-]+[:;]", line) for line in content)
    calendar = Calendar.from_ical(body)
    assert calendar["PRODID"]
    assert calendar.subcomponents
    assert not calendar.errors
    for event in calendar.events:
        assert not event.errors
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "STATUS"} <= set(event)
    return calendar


def expected_text(text):
    """Return a text as it appears in the calendar: with line feeds as line ends, and control characters replaced."""
    text = re.sub("\r\n|[\r\v\f\x85\u2028\u2029]", "\n", text)
    return re.sub("[\x00-\x08\x0e-\x1f\x7f-\x9f]", "\ufffd", text)


@pytest.fixture
def events(client):
    """Return a function that returns the events of a vehicle's calendar."""

    def events(vehicle, **query):
        response = client.get(f"{vehicle}/allocations.ics", query_string={key.strip("_"): query[key] for key in query})
        assert response.status_code == 200, response.text
        return read(response.data).events

    return events


def stamp(text):
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@pytest.mark.through_gateway
def test_an_allocation_is_an_event(client, events, car, allocate):
    allocation = allocate(car, "2026-11-20T12:00:00+01:00", "2026-11-20T14:00:00Z", description="brakes").json
    (event,) = events(car)
    created = datetime.fromisoformat(allocation["created"]).replace(microsecond=0)
    assert {name: event.decoded(name) for name in event} == {
        "UID": f"{allocation['id']}@invsys",
        "DTSTAMP": created,
        "LAST-MODIFIED": created,
        "CREATED": created,
        "SEQUENCE": 0,
        "DTSTART": NOON - timedelta(hours=1),
        "DTEND": NOON + timedelta(hours=2),
        "SUMMARY": "Car1: booking",
        "DESCRIPTION": "brakes",
        "STATUS": "CONFIRMED",
        "TRANSP": "OPAQUE",
    }
    assert "\r\nDTSTART:20261120T110000Z\r\nDTEND:20261120T140000Z\r\n" in client.get(f"{car}/allocations.ics").text


@pytest.mark.parametrize(
    ("description", "expected"), [(None, "Reference: PO, 4711"), ("brakes", "brakes\nReference: PO, 4711")]
)
def test_the_description_contains_the_reference(events, car, allocate, description, expected):
    allocate(car, None, None, description=description, reference="PO, 4711")
    (event,) = events(car)
    assert event.decoded("DESCRIPTION") == expected


def test_an_event_has_the_time_of_the_last_change(app, client, events, update_all_rows, car, allocate):
    # RFC 5545, section 3.8.7.2: in a calendar without METHOD, DTSTAMP is also the time of the last change.
    response = allocate(car, "2099-03-01T12:00:00Z", None, hold_seconds=3600)
    allocation = response.headers["Location"]
    update_all_rows(ContinuousResourceAllocation, created=LONG_AGO)
    for sequence, change in enumerate([{"description": "x"}, {"status": "confirmed"}, {"dump": {"a": 1}}], 1):
        update_all_rows(ContinuousResourceAllocation, changed=None)
        assert client.patch(allocation, json=change).status_code == 200
        with app.app_context(), db.engine.connect() as connection:
            last = connection.scalar(select(ContinuousResourceAllocation.changed)).replace(microsecond=0)
        (event,) = events(car)
        assert (event.decoded("DTSTAMP"), event.decoded("LAST-MODIFIED")) == (last, last)
        assert (event.decoded("CREATED"), event["SEQUENCE"]) == (LONG_AGO, sequence)
    before = client.get(f"{car}/allocations.ics").data
    # This request changes nothing.
    assert client.patch(allocation, json={"description": "x"}).status_code == 200
    assert client.get(f"{car}/allocations.ics").data == before


def test_the_calendar_has_the_name_of_the_vehicle(client, register):
    response = client.get(f"{register('Käfer, blue')}/allocations.ics")
    read(response.data)
    assert "\r\nNAME:Käfer\\, blue\r\nX-WR-CALNAME:Käfer\\, blue\r\n" in response.text


def test_a_vehicle_without_allocations_has_a_valid_calendar(client, car):
    # RFC 5545, section 3.6, requires at least one component; a time zone is one that shows no event.
    calendar = read(client.get(f"{car}/allocations.ics").data)
    assert [component.name for component in calendar.subcomponents] == ["VTIMEZONE"]


@pytest.mark.one_engine
def test_the_response_is_a_calendar_for_any_accept_header(client, car, booking):
    for accept in ("application/xml", "application/json", "text/calendar", "image/png", "nonsense"):
        response = client.get(f"{car}/allocations.ics", headers={"Accept": accept})
        assert (response.status_code, response.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        name = car.rpartition("/")[2]
        assert response.headers["Content-Disposition"] == f'attachment; filename="{name}.ics"'


def test_the_events_of_the_vehicle_are_ordered_by_start(events, register, allocate):
    cars = [register("Car1"), register("Car2")]
    for vehicle, year in ((0, 2031), (1, 2030), (0, 2029), (0, 2030)):
        allocate(cars[vehicle], f"{year}-01-01T00:00:00Z", f"{year}-01-02T00:00:00Z")
    assert [[event.start.year for event in events(vehicle)] for vehicle in cars] == [[2029, 2030, 2031], [2030]]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("start", "end", "window", "shown_start", "shown_end", "marks"),
    [
        # Clients with 32-bit times support the years from 1970 to 2038; Exchange and Outlook support 1601 to 4500.
        ("2026", None, {}, "20260101T000000Z", "20380101T000000Z", " (no end)"),
        (None, "2026", {}, "19700101T000000Z", "20260101T000000Z", " (no start)"),
        (None, None, {}, "19700101T000000Z", "20380101T000000Z", " (no start, no end)"),
        # If the finite side is beyond one of these bounds, the next bound is used.
        ("2038", None, {}, "20380101T000000Z", "45000101T000000Z", " (no end)"),
        ("4500", None, {}, "45000101T000000Z", "99990101T000000Z", " (no end)"),
        (None, "1970", {}, "18991231T235959Z", "19700101T000000Z", " (no start)"),
        (None, "1900", {}, "18991231T235959Z", "19000101T000000Z", " (no start)"),
        # An infinite side ends where the window ends, if the window has an end there.
        ("2026", None, {"to": "2030"}, "20260101T000000Z", "20300101T000000Z", " (no end)"),
        (None, "2026", {"from": "2020"}, "20200101T000000Z", "20260101T000000Z", " (no start)"),
        (None, None, {"from": "2020", "to": "2030"}, "20200101T000000Z", "20300101T000000Z", " (no start, no end)"),
        (None, None, {"from": "2040"}, "20400101T000000Z", "45000101T000000Z", " (no start, no end)"),
        (None, None, {"to": "1960"}, "18991231T235959Z", "19600101T000000Z", " (no start, no end)"),
        # A finite side is not cut to the window.
        ("2020", "2030", {"from": "2025", "to": "2026"}, "20200101T000000Z", "20300101T000000Z", ""),
    ],
)
def test_an_infinite_side_is_marked_and_gets_a_finite_date(
    events, car, allocate, start, end, window, shown_start, shown_end, marks
):
    allocate(car, *(year and f"{year}-01-01T00:00:00Z" for year in (start, end)))
    (event,) = events(car, **{f"{side}_": f"{year}-01-01T00:00:00Z" for side, year in window.items()})
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (stamp(shown_start), stamp(shown_end))
    assert event["SUMMARY"] == f"Car1: booking{marks}"
    assert [f"X-INVSYS-{side}-INFINITY" in event for side in ("FROM", "TO")] == [start is None, end is None]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("start", "end", "shown_start", "shown_end"),
    [
        ("2026-11-20T12:00:00Z", "2026-11-20T12:00:01Z", "20261120T120000Z", "20261120T120001Z"),
        ("2026-11-20T12:00:00.999999Z", "2026-11-20T12:00:01.000001Z", "20261120T120000Z", "20261120T120002Z"),
        ("2026-11-20T12:00:00.2Z", "2026-11-20T12:00:00.4Z", "20261120T120000Z", "20261120T120001Z"),
        ("2026-11-20T23:59:59.5Z", "2026-11-20T23:59:59.6Z", "20261120T235959Z", "20261121T000000Z"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000001Z", "19000101T000000Z", "19000101T000001Z"),
        ("9998-12-31T23:59:59.999998Z", "9998-12-31T23:59:59.999999Z", "99981231T235959Z", "99990101T000000Z"),
    ],
)
def test_starts_are_rounded_down_and_ends_are_rounded_up(events, car, allocate, start, end, shown_start, shown_end):
    allocate(car, start, end)
    (event,) = events(car)
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (stamp(shown_start), stamp(shown_end))


@pytest.mark.through_gateway
@table_driven(
    ("window", "hours"),
    [
        ({}, [10, 12]),
        ({"from_": "2026-11-20T12:00:00Z"}, [12]),
        ({"to": "2026-11-20T12:00:00Z"}, [10]),
        ({"from_": "2026-11-20T11:59:59Z", "to": "2026-11-20T12:00:01Z"}, [10, 12]),
        ({"from_": "2026-11-20T13:00:00+01:00"}, [12]),
        ({"from_": "2027-01-01T00:00:00Z"}, []),
    ],
)
def test_a_window_contains_the_overlapping_events(events, car, allocate, window, hours):
    for hour in (10, 12):
        allocate(car, f"2026-11-20T{hour}:00:00Z", f"2026-11-20T{hour + 2}:00:00Z")
    assert [event.start.hour for event in events(car, **window)] == hours


def test_a_hold_is_tentative_until_it_expires(events, update_all_rows, car, booking):
    update_all_rows(ContinuousResourceAllocation, expires=FAR_AHEAD)
    assert [event["STATUS"] for event in events(car)] == ["TENTATIVE"]
    update_all_rows(ContinuousResourceAllocation, expires=LONG_AGO)
    assert events(car) == []


def test_the_sequence_follows_the_version_and_the_uid_is_stable(events, update_all_rows, car, booking):
    (before,) = events(car)
    update_all_rows(ContinuousResourceAllocation, version=7)
    (after,) = events(car)
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 6)
    assert before["UID"] == after["UID"]


@pytest.mark.one_engine
@pytest.mark.parametrize("text", HOSTILE)
def test_any_description_and_type_result_in_a_valid_calendar(events, car, allocate, text):
    response = allocate(car, None, None, description=text[:100], allocation_type=text[:20])
    assert response.status_code == 201
    (event,) = events(car)
    assert event["DESCRIPTION"] == expected_text(text[:100])
    assert event["SUMMARY"] == f"Car1: {expected_text(text[:20])} (no start, no end)"


@pytest.mark.one_engine
@pytest.mark.parametrize("text", HOSTILE)
def test_any_name_results_in_a_valid_calendar(update_all_rows, events, car, booking, text):
    # The name is set in the database, because the API refuses control characters.
    update_all_rows(ContinuousResource, name=text[:36])
    (event,) = events(car)
    assert event["SUMMARY"] == f"{expected_text(text[:36])}: booking"


texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\;,:"\r\nnN\t é🚗'), max_size=200)
microseconds = st.integers(0, int((icalendar.LATEST - icalendar.EARLIEST).total_seconds()) * 1_000_000 - 1)


def row(starts=None, ends=None, description=None, reference=None):
    return {
        "id": uuid.uuid4(),
        "starts": starts,
        "ends": ends,
        "allocation_type": "booking",
        "description": description,
        "reference": reference,
        "expires": None,
        "created": NOON,
        "changed": NOON,
        "version": 1,
    }


@given(name=texts, description=texts)
def test_any_text_can_be_parsed_back(name, description):
    (event,) = read(icalendar.calendar(name, [row(description=description)], ALWAYS)).events
    assert event["SUMMARY"] == f"{expected_text(name)}: booking (no start, no end)"
    assert event.get("DESCRIPTION", "") == expected_text(description)


@given(bounds=st.sets(microseconds, min_size=2, max_size=2), is_open=st.tuples(st.booleans(), st.booleans()))
def test_an_event_covers_its_whole_allocation(bounds, is_open):
    start, end = (icalendar.EARLIEST + timedelta(microseconds=bound) for bound in sorted(bounds))
    allocation = row(None if is_open[0] else start, None if is_open[1] else end)
    (event,) = read(icalendar.calendar("Car1", [allocation], Period(start, end))).events
    assert event.decoded("DTSTART") <= start < end <= event.decoded("DTEND")
    assert event.decoded("DTEND") - event.decoded("DTSTART") < end - start + timedelta(seconds=2)


MATCHING = ["{etag}", "W/{etag}", '"other", {etag}', "*", '"{inside}-gzip"', 'W/"{inside}-br"', '"a", "{inside}-zstd"']


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("header_form", MATCHING)
def test_a_matching_if_none_match_gets_304(client, car, booking, header_form):
    url = f"{car}/allocations.ics"
    etag = client.get(url).headers["ETag"]
    header = header_form.format(etag=etag, inside=etag.strip('"'))
    response = client.get(url, headers={"If-None-Match": header})
    assert (response.status_code, response.data) == (304, b"")
    # If the caller sends the ETag of the compressed calendar, the response of the gateway also has that ETag.
    assert response.headers["ETag"].replace("-gzip", "") == etag


def test_every_change_results_in_another_etag(client, update_all_rows, car, booking):
    def etag():
        return client.get(f"{car}/allocations.ics").headers["ETag"]

    etags = [etag(), etag()]
    assert etags[0] == etags[1]
    update_all_rows(ContinuousResourceAllocation, version=2)
    etags.append(etag())
    update_all_rows(ContinuousResource, name="Car2")
    etags.append(etag())
    client.delete(booking)
    etags.append(etag())
    assert len(set(etags)) == 4


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_head_returns_the_headers_of_get(client, car, booking):
    read, head = (client.open(f"{car}/allocations.ics", method=method) for method in ("GET", "HEAD"))
    assert (head.status_code, head.data) == (200, b"")
    for header in ("Content-Type", "Content-Length", "Content-Disposition", "ETag"):
        assert head.headers[header] == read.headers[header]


@pytest.mark.through_gateway
def test_unknown_vehicles_have_no_calendar(client, car, booking, refused):
    refused(client.get(f"/api/cars/{ANOTHER_ID}/allocations.ics"), 404, "resource_not_found")
    refused(client.get(f"{car.replace('cars', 'lorries')}/allocations.ics"), 404, "resource_not_found")
    refused(client.get("/api/cars/1/allocations.ics"), 404, "not_found")
    refused(client.post(f"{car}/allocations.ics", json={}), 405, "method_not_allowed")
    client.delete(booking)
    client.delete(car)
    refused(client.get(f"{car}/allocations.ics"), 404, "resource_not_found")


@pytest.mark.one_engine
@table_driven(
    ("query", "field"),
    [
        ("limit=1", "limit"),
        ("status=held", "status"),
        ("From=2026-11-20T10:00:00Z", "From"),
        ("from=yesterday", "from"),
        ("to=9999-01-01T00:00:00Z", "to"),
        ("from=2026-11-20T10:00:00Z&from=2026-11-20T10:00:00Z", "from"),
        ("from=2026-11-20T10:00:00Z&to=2026-11-20T10:00:00Z", "to"),
    ],
)
def test_an_invalid_query_is_refused(client, car, refused, query, field):
    refused(client.get(f"{car}/allocations.ics?{query}"), 422, "invalid_fields", field)


def test_an_allocation_that_ends_at_the_earliest_instant_has_an_event(client, car):
    allocation = {"from_datetime": None, "from_infinity": True, "to_infinity": False}
    allocation |= {"to_datetime": "1900-01-01T00:00:00Z"}
    assert client.post(f"{car}/allocations", json=allocation).status_code == 201
    calendar = Calendar.from_ical(client.get(f"{car}/allocations.ics").data)
    (event,) = calendar.walk("VEVENT")
    assert event["DTSTART"].dt < event["DTEND"].dt
