"""Lost requests, busy services, gateways without a service: what is tried again, how often, how soon."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import httpx
import pytest

from invsys.client import Busy, InternalError, InvalidFields, PeriodTaken, RateLimited, Unavailable, UnexpectedAnswer
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import BUSY, PASSING, answered, lost_on_the_way, unreachable


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(connect, lorries, booking, fault):
    client, way = connect(fault, fault)
    assert client.collection("lorries").allocation(booking.id) == booking
    assert len(way.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422, 500, 501])
def test_what_was_refused_is_not_tried_again(connect, lorry, status):
    client, way = connect(answered(status, "<html>"))
    with pytest.raises(UnexpectedAnswer):
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY)
    assert len(way.requests) == 1


def test_a_period_that_is_taken_is_asked_for_once(connect, time, booking):
    client, way = connect()
    with pytest.raises(PeriodTaken):
        client.collection("lorries").allocate(booking.resource_id, MONDAY, FRIDAY)
    with pytest.raises(InvalidFields):
        client.collection("lorries").register("")
    assert len(way.requests) == 2
    assert time.pauses == []


def test_pauses_grow_and_differ(connect, time):
    client, way = connect(*[unreachable] * 40, attempts=40, give_up_after=1000)
    with pytest.raises(Unavailable):
        client.collection("cars").resource("6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11")
    assert len(way.requests) == 40
    longest = [min(5.0, 0.2 * 2**attempt) for attempt in range(39)]
    assert all(0 <= pause <= most for pause, most in zip(time.pauses, longest, strict=True))
    assert len(set(time.pauses)) == 39


def test_attempts_are_counted_and_the_last_failure_is_the_cause(connect, time):
    client, way = connect(unreachable, BUSY, BUSY, BUSY, attempts=3)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert (unavailable.value.attempts, unavailable.value.key) == (3, None)
    assert isinstance(unavailable.value.__cause__, Busy)
    assert "busy" in str(unavailable.value)
    assert len(way.requests) == 3
    assert len(time.pauses) == 2


def test_the_cause_of_a_refused_connection_is_told(connect):
    client, _ = connect(unreachable, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert isinstance(unavailable.value.__cause__, httpx.ConnectError)


def test_a_gateway_s_limit_is_told_when_it_stays(connect):
    limited = answered(429, '{"code": "rate_limited", "detail": "d"}', Content_Type="application/problem+json")
    client, _ = connect(limited, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert type(unavailable.value.__cause__) is RateLimited


def test_retry_after_is_waited_for(connect, time):
    client, _ = connect(answered(503, Retry_After="7"), answered(429, Retry_After="0"), answered(503, Retry_After="x"))
    list(client.collection("cars").resources())
    first, second, third = time.pauses
    assert 7 <= first <= 7.2
    assert second <= 0.4
    assert third <= 0.8


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
def test_retry_after_may_be_a_date(connect, time, zone):
    date = format_datetime(datetime.now(zone) + timedelta(seconds=9))
    client, _ = connect(answered(503, Retry_After=date))
    list(client.collection("cars").resources())
    assert 6 <= time.pauses[0] <= 9.2


@pytest.mark.parametrize(
    "date", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 2099 08:49:37 GMT", "tomorrow", "-5", "١٢", "1e9", ""]
)
def test_what_is_no_time_to_come_is_not_waited_for(connect, time, date):
    # As httpx hands on what a server writes in whatever bytes.
    fault = httpx.Response(503, headers=[(b"Retry-After", date.encode())])
    client, _ = connect(lambda service, request: fault)
    list(client.collection("cars").resources())
    assert time.pauses[0] <= 0.2


def test_nobody_waits_for_longer_than_he_wants_to(connect, time):
    client, way = connect(answered(503, Retry_After="60"), give_up_after=59)
    with pytest.raises(Unavailable):
        list(client.collection("cars").resources())
    assert (len(way.requests), time.pauses) == (1, [])


def test_the_time_that_requests_take_counts(connect, time):
    client, way = connect(*[time.timed_out(10)] * 10, give_up_after=25)
    with pytest.raises(Unavailable):
        list(client.collection("cars").resources())
    assert len(way.requests) == 3
    assert time.now <= 35


def test_a_fault_of_the_service_is_not_tried_again(connect):
    fault = answered(500, '{"code": "internal_error", "detail": "d"}', Content_Type="application/problem+json")
    client, way = connect(fault)
    with pytest.raises(InternalError):
        list(client.collection("cars").resources())
    assert len(way.requests) == 1


def test_a_feed_goes_on_where_it_was_interrupted(connect, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(4)]
    client, _ = connect(lost_on_the_way, answered(200, "{}"))
    feed = client.events(page_size=2)
    with pytest.raises(UnexpectedAnswer):
        list(feed)
    assert [event.resource_id for event in feed] == registered
