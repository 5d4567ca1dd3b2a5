"""Filters and typed data of the change feed through the client."""

import uuid

import pytest
from sqlalchemy import insert, select

import invsys_client
from invsys.inventory.db.models import Event, db
from invsys.inventory.queries.events import MAX_SCANNED
from invsys.inventory.schemas.outputs import KINDS
from invsys_client.events import KINDS as EVENT_CLASSES
from tests.client.conftest import FRIDAY, MONDAY


def kinds(events):
    return [event.kind for event in events]


def test_events_are_filtered(invsys, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    lorries.confirm(hold.id)
    lorries.move(hold.id, spare.id)
    for page_size in (1, 2, 100):
        of_hold = invsys.events(page_size=page_size, allocation_id=hold.id)
        assert kinds(of_hold) == ["allocated", "confirmed", "allocation_changed"]
        assert of_hold.cursor == invsys.event_page("now").next
    of_spare = invsys.events(resource_id=uuid.UUID(spare.id), resource_type="Lorry")
    assert kinds(of_spare) == ["resource_registered", "allocation_changed"]
    # A filter that is an iterator, which can be read only once, applies to all pages.
    several = invsys.events(
        page_size=1, kind=iter(["confirmed", "allocated"]), resource_id=[lorry.id, spare.id], allocation_id=None
    )
    assert kinds(several) == ["allocated", "confirmed"]
    page = invsys.event_page(limit=1, kind="resource_registered")
    assert ([event.resource_id for event in page.events], page.has_more) == ([lorry.id], True)
    page = invsys.event_page(page.next, kind="resource_registered")
    assert ([event.resource_id for event in page.events], page.has_more) == ([spare.id], False)


def test_the_data_of_an_event_is_typed(invsys, lorries, lorry):
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY, reference="PO 1", dump={"a": 1})
    registered, allocated = invsys.events()
    assert (registered.resource, registered.allocation) == (lorry, None)
    assert (allocated.resource, allocated.allocation) == (None, booking)


@pytest.mark.parametrize(
    "filters",
    [
        {"kinds": "allocated"},
        {"kind": []},
        {"resource_id": "all"},
        {"allocation_id": ["00000000-0000-4000-8000-000000000000", "any"]},
    ],
    ids=str,
)
def test_an_invalid_filter_sends_no_request(connect, filters):
    invsys, transport = connect()
    for call in (invsys.events, invsys.event_page):
        with pytest.raises((TypeError, ValueError), match=r"unexpected arguments: kinds|needs a value|is not a UUID"):
            call(**filters)
    assert not transport.requests


def test_iterating_passes_pages_without_matching_events(app, invsys, lorries, lorry):
    with app.app_context(), db.engine.begin() as connection:
        (event,) = connection.execute(select(Event.__table__)).mappings()
        keys = range(event["key"] + 1, event["key"] + 1 + MAX_SCANNED)
        connection.execute(insert(Event), [{**event, "key": key, "id": uuid.uuid4()} for key in keys])
    booking = lorries.allocate(lorry.id, MONDAY, FRIDAY)
    feed = invsys.events(kind="allocated")
    assert [event.allocation for event in feed] == [booking]
    first = invsys.event_page(kind="allocated")
    assert (first.events, first.has_more) == ((), True)


def test_each_kind_has_its_class(invsys, lorries, lorry, spare):
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=900)
    lorries.confirm(hold.id)
    lorries.move(hold.id, spare.id)
    lorries.deallocate(hold.id)
    lorries.update_resource(lorry.id, name="Lorry9")
    lorries.decommission(lorry.id)
    events = list(invsys.events())
    assert [type(event) for event in events] == [
        *(invsys_client.ResourceRegistered, invsys_client.ResourceRegistered, invsys_client.Allocated),
        *(invsys_client.Confirmed, invsys_client.AllocationChanged, invsys_client.Deallocated),
        *(invsys_client.ResourceChanged, invsys_client.ResourceDecommissioned),
    ]
    # Documents of all kinds are read, also those of kinds that are missing above.
    assert set(EVENT_CLASSES) == set(KINDS)
    assert EVENT_CLASSES["expired"] is invsys_client.Expired
    for event in events:
        record = event.resource or event.allocation
        assert record.version == event.data["version"]
        is_of_vehicle = isinstance(event, invsys_client.ResourceEvent)
        assert is_of_vehicle is not isinstance(event, invsys_client.AllocationEvent)
