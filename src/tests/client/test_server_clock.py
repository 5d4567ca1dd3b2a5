"""``is_expired`` compares with the server's clock, which the header Date of the responses tells."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import forward


def with_date(difference):
    """Return a fault in which the server's clock differs from that of this machine."""

    def fault(service, request):
        response = forward(service, request)
        date = format_datetime(datetime.now(UTC) + difference, usegmt=True)
        return type(response)(response.status_code, headers={**response.headers, "Date": date}, content=response.read())

    return fault


@pytest.mark.parametrize(("hours", "is_expired"), [(-3, False), (-1, False), (0, False), (3, True)])
def test_a_hold_expires_by_the_clock_of_the_server(connect, lorry, hours, is_expired):
    client, _ = connect(*[with_date(timedelta(hours=hours))] * 4)
    lorries = client.collection("lorries")
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=7200)
    assert abs(hold.server_offset - timedelta(hours=hours)) <= timedelta(seconds=30)
    [listed], [_, event] = lorries.allocations(), client.events()
    assert {one.is_expired for one in (hold, listed, event.allocation)} == {is_expired}


def test_a_confirmed_allocation_never_expires(connect, lorry):
    client, _ = connect(with_date(timedelta(days=1000)))
    assert not client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY).is_expired


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2099 08:49:37 GMT"])
def test_without_a_valid_date_the_clock_of_this_machine_counts(connect, lorry, date):
    def fault(service, request):
        response = forward(service, request)
        return type(response)(response.status_code, headers={**response.headers, "Date": date}, content=response.read())

    client, _ = connect(fault)
    hold = client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=60)
    assert (hold.server_offset, hold.is_expired) == (timedelta(), False)
