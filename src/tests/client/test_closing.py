"""Closed vehicles through the client."""

from datetime import datetime, timedelta, timezone

import pytest

from invsys_client import Period, ResourceClosed, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY


def test_a_broken_lorry_leaves_and_returns(invsys, lorries, lorry, spare, booking):
    closed = lorries.close(lorry.id, TUESDAY, if_match=lorry.version)
    assert (closed.closed_from, closed.version) == (TUESDAY, 2)
    for booked in lorries.allocations(lorry.id, start=TUESDAY):
        lorries.move(booked.id, spare.id)
    with pytest.raises(ResourceClosed):
        lorries.allocate(lorry.id, FRIDAY, None)
    maintenance = lorries.allocate(lorry.id, TUESDAY, None, allocation_type="maintenance", despite_closed=True)
    lorries.extend(maintenance.id, FRIDAY)
    assert lorries.availability(lorry.id, TUESDAY).busy == (Period(TUESDAY, None),)
    assert (lorry.closed_from, lorries.open(lorry.id).closed_from) == (None, None)
    assert lorries.allocate(lorry.id, FRIDAY, None).start == FRIDAY
    changes = invsys.events(kind="resource_changed", resource_id=lorry.id)
    assert [event.resource.closed_from for event in changes] == [TUESDAY, None]


@pytest.mark.parametrize("refused", ["create", "extend", "move", "several"])
def test_what_a_closure_prevents_raises_resource_closed(lorries, lorry, spare, booking, refused):
    lorries.close(lorry.id, booking.end)
    calls = {
        "create": lambda: lorries.allocate(lorry.id, booking.end, None),
        "extend": lambda: lorries.extend(booking.id, booking.end + timedelta(hours=1)),
        "move": lambda: lorries.move(lorries.allocate(spare.id, booking.end, None).id, lorry.id),
        "several": lambda: lorries.update_several([{"id": booking.id, "end": None}]),
    }
    with pytest.raises(ResourceClosed) as error:
        calls[refused]()
    assert (error.value.status, error.value.code) == (409, "resource_closed")
    assert error.value.index == (0 if refused == "several" else None)


def test_a_closure_has_the_instant_of_any_offset_and_no_naive_one(lorries, lorry):
    instant = datetime(2099, 3, 2, 9, 30, 0, 250_000, timezone(timedelta(hours=1)))
    assert lorries.close(lorry.id, instant).closed_from == instant
    with pytest.raises(ValueError, match="has no UTC offset"):
        lorries.close(lorry.id, instant.replace(tzinfo=None))


def test_a_closure_checks_the_version(lorries, lorry):
    lorries.close(lorry.id, MONDAY)
    for call in (lambda: lorries.close(lorry.id, MONDAY, if_match=1), lambda: lorries.open(lorry.id, if_match=1)):
        with pytest.raises(VersionMismatch):
            call()
    renamed = lorries.update_resource(lorry.id, name="Lorry9")
    assert (renamed.name, renamed.closed_from) == ("Lorry9", MONDAY)
