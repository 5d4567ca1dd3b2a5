"""Availability, utilisation, change feed, iCalendar and GBFS through the client."""

from datetime import timedelta

import pytest

from invsys.inventory.db.models import Event
from invsys.inventory.maintenance import purge
from invsys_client import CursorExpired, Period
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.time_travel import shift_timestamps

SUNDAY = MONDAY.replace(day=1)
SATURDAY = MONDAY.replace(day=7)


def test_a_vehicle_is_free_before_and_after_its_allocation(lorries, booking):
    availability = lorries.availability(booking.resource_id, SUNDAY, SATURDAY)
    assert (availability.resource_id, availability.start, availability.end) == (booking.resource_id, SUNDAY, SATURDAY)
    assert availability.busy == (Period(MONDAY, FRIDAY),)
    assert availability.free == (Period(SUNDAY, MONDAY), Period(FRIDAY, SATURDAY))


def test_a_window_can_be_unbounded(lorries, booking):
    availability = lorries.availability(booking.resource_id)
    assert (availability.start, availability.end) == (None, None)
    assert availability.free == (Period(None, MONDAY), Period(FRIDAY, None))
    assert lorries.availability(booking.resource_id, FRIDAY).free == (Period(FRIDAY, None),)


@pytest.mark.parametrize("page_size", [1, 100])
def test_the_availability_of_all_vehicles_is_listed_oldest_first(lorries, booking, spare, page_size):
    availabilities = list(lorries.availability_of_all(MONDAY, TUESDAY, page_size=page_size))
    assert [vehicle.resource_id for vehicle in availabilities] == [booking.resource_id, spare.id]
    assert [vehicle.free for vehicle in availabilities] == [(), (Period(MONDAY, TUESDAY),)]


def test_the_feed_contains_every_change(invsys, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    lorries.confirm(hold.id)
    lorries.extend(hold.id, SATURDAY)
    lorries.move(hold.id, spare.id)
    lorries.deallocate(hold.id)
    lorries.decommission(lorry.id)
    events = list(invsys.events())
    assert [(event.kind, event.allocation_id) for event in events] == [
        ("resource_registered", None),
        ("resource_registered", None),
        ("allocated", hold.id),
        ("confirmed", hold.id),
        ("allocation_changed", hold.id),
        ("allocation_changed", hold.id),
        ("deallocated", hold.id),
        ("resource_decommissioned", None),
    ]
    assert {event.resource_type for event in events} == {"Lorry"}
    assert [event.resource_id for event in events[-2:]] == [spare.id, lorry.id]
    assert [event.client_id for event in events] == [None] * 8
    assert len({event.request_id for event in events} - {None}) == 8
    assert events[2].data["status"] == "held"
    assert events[6].data["resource_id"] == spare.id
    assert [event.at for event in events] == sorted(event.at for event in events)


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
def test_a_feed_reads_all_pages_and_continues_from_its_cursor(invsys, lorries, page_size):
    feed = invsys.events(page_size=page_size)
    assert list(feed) == []
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    assert [event.resource_id for event in feed] == registered
    later = lorries.register("Lorry9").id
    assert [event.resource_id for event in invsys.events(feed.cursor, page_size=page_size)] == [later]
    assert [event.resource_id for event in feed] == [later]


def test_iterating_again_after_stopping_within_a_page_repeats_the_page(invsys, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    feed = invsys.events(page_size=2)
    next(iter(feed))
    assert [event.resource_id for event in feed] == registered


def test_a_page_of_the_feed_contains_the_cursor_after_it(invsys, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    page = invsys.event_page(limit=2)
    assert [event.resource_id for event in page.events] == registered[:2]
    rest = invsys.event_page(page.next)
    assert [event.resource_id for event in rest.events] == registered[2:]
    assert invsys.event_page(rest.next).events == ()


def test_a_feed_from_now_returns_only_later_events(invsys, lorries, lorry):
    feed = invsys.events("now")
    assert list(feed) == []
    assert feed.cursor == invsys.event_page("now").next
    later = lorries.register("Lorry9").id
    assert [event.resource_id for event in feed] == [later]


def test_an_unknown_cursor_raises_cursor_expired(app, invsys, lorries):
    cursors = [invsys.event_page("now").next]
    for number in range(3):
        lorries.register(f"Lorry{number}")
    shift_timestamps(app, Event.at, days=2)
    with app.app_context():
        assert purge.purge(60, 1).events == 2
    for call in (lambda: list(invsys.events(cursors[0])), lambda: invsys.event_page(cursors[0])):
        with pytest.raises(CursorExpired, match="after=now"):
            call()


def test_the_allocations_of_a_vehicle_are_returned_as_icalendar(lorries, booking):
    calendar = lorries.icalendar(booking.resource_id)
    assert calendar.startswith("BEGIN:VCALENDAR\r\n")
    assert booking.id in calendar
    assert booking.id in lorries.icalendar(booking.resource_id, None, FRIDAY)
    assert booking.id not in lorries.icalendar(booking.resource_id, FRIDAY, None)


def test_the_gbfs_document_of_the_collection_is_returned(lorries, booking, spare):
    document = lorries.gbfs()
    assert {"last_updated", "ttl", "version", "data"} <= set(document)
    assert len(document["data"]["vehicles"]) == 2


def test_utilisation_has_the_seconds_of_each_step(lorries, lorry, spare, booking):
    lorries.allocate(spare.id, MONDAY, None, allocation_type="maintenance")
    lorries.allocate(lorry.id, FRIDAY, FRIDAY + timedelta(hours=1), hold_seconds=600)
    days = (FRIDAY - MONDAY).days
    utilisation = lorries.utilisation(MONDAY, FRIDAY + timedelta(hours=6), timedelta(days=1))
    assert (utilisation.start, utilisation.end) == (MONDAY, FRIDAY + timedelta(hours=6))
    assert [step.start for step in utilisation.steps] == [MONDAY + timedelta(days=day) for day in range(days + 1)]
    assert [(step.vehicles, step.held) for step in utilisation.steps] == [(2, 0)] * days + [(2, 3600)]
    assert [step.allocated for step in utilisation.steps] == [
        *[{"booking": 86400, "maintenance": 86400}] * days,
        {"maintenance": 6 * 3600},
    ]
    assert len(lorries.utilisation(MONDAY, MONDAY + timedelta(hours=3)).steps) == 3


@pytest.mark.parametrize(
    ("step", "count"),
    [(timedelta(seconds=5400), 2), (timedelta(days=40, seconds=1), 1), (timedelta(days=99_999, hours=23), 1)],
)
def test_a_step_can_have_any_whole_number_of_seconds(lorries, step, count):
    assert len(lorries.utilisation(MONDAY, MONDAY + timedelta(hours=3), step).steps) == count


@pytest.mark.parametrize("step", [timedelta(), timedelta(seconds=-1), timedelta(seconds=1.5)])
def test_a_step_of_another_length_is_refused(connect, step):
    client, transport = connect()
    with pytest.raises(ValueError, match="is not a positive number of whole seconds"):
        client.collection("lorries").utilisation(MONDAY, FRIDAY, step)
    assert transport.requests == []
