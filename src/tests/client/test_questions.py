"""What the client is told: when vehicles are free, the feed of changes, the formats of others."""

import pytest

from invsys.client import CursorExpired, Period
from invsys.inventory.db.models import Event
from invsys.inventory.maintenance import purge
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.time_travel import pass_for

SUNDAY = MONDAY.replace(day=1)
SATURDAY = MONDAY.replace(day=7)


def test_a_vehicle_is_free_before_and_after_its_allocation(lorries, booking):
    told = lorries.availability(booking.resource_id, SUNDAY, SATURDAY)
    assert (told.resource_id, told.start, told.end) == (booking.resource_id, SUNDAY, SATURDAY)
    assert told.busy == (Period(MONDAY, FRIDAY),)
    assert told.free == (Period(SUNDAY, MONDAY), Period(FRIDAY, SATURDAY))


def test_a_window_may_have_no_bounds(lorries, booking):
    told = lorries.availability(booking.resource_id)
    assert (told.start, told.end) == (None, None)
    assert told.free == (Period(None, MONDAY), Period(FRIDAY, None))
    assert lorries.availability(booking.resource_id, FRIDAY).free == (Period(FRIDAY, None),)


@pytest.mark.parametrize("page_size", [1, 100])
def test_the_availability_of_all_is_told_oldest_first(lorries, booking, spare, page_size):
    told = list(lorries.availability_of_all(MONDAY, TUESDAY, page_size=page_size))
    assert [vehicle.resource_id for vehicle in told] == [booking.resource_id, spare.id]
    assert [vehicle.free for vehicle in told] == [(), (Period(MONDAY, TUESDAY),)]


def test_the_feed_tells_the_whole_story(invsys, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    lorries.confirm(hold.id)
    lorries.extend(hold.id, SATURDAY)
    lorries.move(hold.id, spare.id)
    lorries.free(hold.id)
    lorries.decommission(lorry.id)
    told = list(invsys.events())
    assert [(event.kind, event.allocation_id) for event in told] == [
        ("resource_registered", None),
        ("resource_registered", None),
        ("allocated", hold.id),
        ("confirmed", hold.id),
        ("allocation_changed", hold.id),
        ("allocation_changed", hold.id),
        ("deallocated", hold.id),
        ("resource_decommissioned", None),
    ]
    assert {event.resource_type for event in told} == {"Lorry"}
    assert [event.resource_id for event in told[-2:]] == [spare.id, lorry.id]
    assert [event.client_id for event in told] == [None] * 8
    assert told[2].data["status"] == "held"
    assert told[6].data["resource_id"] == spare.id
    assert [event.at for event in told] == sorted(event.at for event in told)


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
def test_a_feed_goes_over_all_pages_and_on_from_its_cursor(invsys, lorries, page_size):
    feed = invsys.events(page_size=page_size)
    assert list(feed) == []
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    assert [event.resource_id for event in feed] == registered
    later = lorries.register("Lorry9").id
    assert [event.resource_id for event in invsys.events(feed.cursor, page_size=page_size)] == [later]
    assert [event.resource_id for event in feed] == [later]


def test_who_stops_halfway_through_a_page_gets_that_page_again(invsys, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    feed = invsys.events(page_size=2)
    next(iter(feed))
    assert [event.resource_id for event in feed] == registered


def test_a_page_of_the_feed_comes_with_the_cursor_behind_it(invsys, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(3)]
    page = invsys.event_page(limit=2)
    assert [event.resource_id for event in page.events] == registered[:2]
    rest = invsys.event_page(page.next)
    assert [event.resource_id for event in rest.events] == registered[2:]
    assert invsys.event_page(rest.next).events == ()


def test_a_feed_from_now_on_has_what_happens_later(invsys, lorries, lorry):
    feed = invsys.events("now")
    assert list(feed) == []
    assert feed.cursor == invsys.event_page("now").next
    later = lorries.register("Lorry9").id
    assert [event.resource_id for event in feed] == [later]


def test_a_cursor_that_is_not_known_has_expired(app, invsys, lorries):
    cursors = [invsys.event_page("now").next]
    for number in range(3):
        lorries.register(f"Lorry{number}")
    pass_for(app, Event.at, days=2)
    with app.app_context():
        assert purge.purge(60, 1).events == 2
    for ask in (lambda: list(invsys.events(cursors[0])), lambda: invsys.event_page(cursors[0])):
        with pytest.raises(CursorExpired, match="after=now"):
            ask()


def test_a_vehicle_s_allocations_are_a_calendar(lorries, booking):
    calendar = lorries.icalendar(booking.resource_id)
    assert calendar.startswith("BEGIN:VCALENDAR\r\n")
    assert booking.id in calendar
    assert booking.id in lorries.icalendar(booking.resource_id, None, FRIDAY)
    assert booking.id not in lorries.icalendar(booking.resource_id, FRIDAY, None)


def test_the_collection_is_a_gbfs_document(lorries, booking, spare):
    document = lorries.gbfs()
    assert {"last_updated", "ttl", "version", "data"} <= set(document)
    assert len(document["data"]["vehicles"]) == 2
