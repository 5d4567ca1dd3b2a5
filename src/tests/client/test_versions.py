"""Conditional changes through the client: a version can come from an item, a list, a conflict or an event."""

import pytest

from invsys_client import ANY_VERSION, PeriodTaken, VersionMismatch
from tests.client.conftest import FRIDAY, MONDAY, TUESDAY
from tests.support.tables import table_driven

CALLS = {
    "update_resource": lambda lorries, lorry, booking, match: lorries.update_resource(
        lorry.id, name="Lorry9", if_match=match
    ),
    "close": lambda lorries, lorry, booking, match: lorries.close(lorry.id, MONDAY, if_match=match),
    "open": lambda lorries, lorry, booking, match: lorries.open(lorry.id, if_match=match),
    "decommission": lambda lorries, lorry, booking, match: lorries.decommission(lorry.id, if_match=match),
    "update": lambda lorries, lorry, booking, match: lorries.update(booking.id, reference="PO 1", if_match=match),
    "confirm": lambda lorries, lorry, booking, match: lorries.confirm(booking.id, if_match=match),
    "extend": lambda lorries, lorry, booking, match: lorries.extend(booking.id, TUESDAY, if_match=match),
    "extend_hold": lambda lorries, lorry, booking, match: lorries.extend_hold(booking.id, 60, if_match=match),
    "move": lambda lorries, lorry, booking, match: lorries.move(booking.id, lorry.id, if_match=match),
    "deallocate": lambda lorries, lorry, booking, match: lorries.deallocate(booking.id, if_match=match),
}


@table_driven("match", [None, "", 1.0, True, [1]])
@table_driven("call", CALLS.values(), ids=CALLS)
def test_a_check_without_a_version_raises_before_a_request_is_sent(connect, lorry, booking, call, match):
    client, transport = connect()
    with pytest.raises(ValueError, match="is neither a version nor an ETag"):
        call(client.collection("lorries"), lorry, booking, match)
    assert transport.requests == []


def test_the_entry_of_a_list_has_the_version_of_its_item(lorries, lorry, booking):
    changed, renamed = lorries.update(booking.id, reference="PO 1"), lorries.update_resource(lorry.id, name="Lorry9")
    (allocation,), (vehicle,) = lorries.allocations(), lorries.resources()
    assert (allocation, allocation.version, allocation.etag) == (changed, 2, '"2"')
    assert (vehicle, vehicle.version, vehicle.etag) == (renamed, 2, '"2"')
    assert lorries.extend(allocation.id, TUESDAY, if_match=allocation.etag).version == 3
    assert lorries.update_resource(vehicle.id, name="Lorry8", if_match=vehicle.version).version == 3
    with pytest.raises(VersionMismatch):
        lorries.deallocate(allocation.id, if_match=allocation.etag)
    with pytest.raises(VersionMismatch):
        lorries.decommission(vehicle.id, if_match=vehicle.version)


def test_conflicts_and_events_have_the_version(invsys, lorries, booking):
    with pytest.raises(PeriodTaken) as error:
        lorries.allocate(booking.resource_id, MONDAY, FRIDAY)
    (conflict,) = error.value.conflicts
    assert conflict.version == booking.version == 1
    lorries.update(conflict.id, reference="PO 1", if_match=conflict.version)
    *_, last = invsys.events()
    lorries.deallocate(booking.id, if_match=last.data["version"])


def test_by_default_and_with_any_version_nothing_is_checked(lorries, booking):
    lorries.update(booking.id, reference="PO 1")
    assert lorries.update(booking.id, reference="PO 2", if_match=ANY_VERSION).version == 3
