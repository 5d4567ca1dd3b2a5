"""Retries of the client: which requests are retried, how often, and after which pause."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import httpx2
import pytest

from invsys_client import Busy, InternalError, InvalidFields, PeriodTaken, RateLimited, Unavailable, UnexpectedResponse
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import BUSY, TRANSIENT_FAULTS, connection_reset, respond, unreachable


@pytest.mark.parametrize("fault", TRANSIENT_FAULTS)
def test_requests_are_retried_after_transient_faults(connect, lorries, booking, fault):
    client, transport = connect(fault, fault)
    assert client.collection("lorries").allocation(booking.id) == booking
    assert len(transport.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422, 500, 501])
def test_other_statuses_are_not_retried(connect, lorry, status):
    client, transport = connect(respond(status, "<html>"))
    with pytest.raises(UnexpectedResponse):
        client.collection("lorries").allocate(lorry.id, MONDAY, FRIDAY)
    assert len(transport.requests) == 1


def test_a_conflict_and_invalid_fields_are_not_retried(connect, time, booking):
    client, transport = connect()
    with pytest.raises(PeriodTaken):
        client.collection("lorries").allocate(booking.resource_id, MONDAY, FRIDAY)
    with pytest.raises(InvalidFields):
        client.collection("lorries").register("A\u200b")
    assert len(transport.requests) == 2
    assert time.pauses == []


def test_pauses_grow_and_are_random(connect, time):
    client, transport = connect(*[unreachable] * 40, attempts=40, deadline=1000)
    with pytest.raises(Unavailable):
        client.collection("cars").resource("6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11")
    assert len(transport.requests) == 40
    limits = [min(5.0, 0.2 * 2**attempt) for attempt in range(39)]
    assert all(0 <= pause <= limit for pause, limit in zip(time.pauses, limits, strict=True))
    assert len(set(time.pauses)) == 39


def test_unavailable_contains_the_attempts_and_the_last_error(connect, time):
    client, transport = connect(unreachable, BUSY, BUSY, BUSY, attempts=3)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert (unavailable.value.attempts, unavailable.value.key) == (3, None)
    assert isinstance(unavailable.value.__cause__, Busy)
    assert "busy" in str(unavailable.value)
    assert len(transport.requests) == 3
    assert len(time.pauses) == 2


def test_the_cause_of_unavailable_is_the_connection_error(connect):
    client, _ = connect(unreachable, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert isinstance(unavailable.value.__cause__, httpx2.ConnectError)


def test_the_cause_of_unavailable_is_the_rate_limit(connect):
    limited = respond(429, '{"code": "rate_limited", "detail": "d"}', Content_Type="application/problem+json")
    client, _ = connect(limited, attempts=1)
    with pytest.raises(Unavailable) as unavailable:
        list(client.collection("cars").resources())
    assert type(unavailable.value.__cause__) is RateLimited


def test_pauses_are_at_least_retry_after(connect, time):
    client, _ = connect(respond(503, Retry_After="7"), respond(429, Retry_After="0"), respond(503, Retry_After="x"))
    list(client.collection("cars").resources())
    first, second, third = time.pauses
    assert 7 <= first <= 7.2
    assert second <= 0.4
    assert third <= 0.8


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
def test_retry_after_can_be_a_date(connect, time, zone):
    date = format_datetime(datetime.now(zone) + timedelta(minutes=60))
    client, _ = connect(respond(503, Retry_After=date), deadline=4000)
    list(client.collection("cars").resources())
    assert 3000 <= time.pauses[0] <= 3600.2


@pytest.mark.parametrize(
    "date", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 2099 08:49:37 GMT", "tomorrow", "-5", "١٢", "1e9", ""]
)
def test_an_invalid_or_past_retry_after_is_ignored(connect, time, date):
    # As bytes, because httpx2 does not accept such a header value as text.
    fault = httpx2.Response(503, headers=[(b"Retry-After", date.encode())])
    client, _ = connect(lambda service, request: fault)
    list(client.collection("cars").resources())
    assert time.pauses[0] <= 0.2


def test_a_retry_that_would_start_too_late_is_not_made(connect, time):
    client, transport = connect(respond(503, Retry_After="60"), deadline=59)
    with pytest.raises(Unavailable):
        list(client.collection("cars").resources())
    assert (len(transport.requests), time.pauses) == (1, [])


def test_deadline_includes_the_duration_of_the_attempts(connect, time):
    client, transport = connect(*[time.timed_out(10)] * 10, deadline=25)
    with pytest.raises(Unavailable):
        list(client.collection("cars").resources())
    assert len(transport.requests) == 3
    assert time.now <= 35


def test_an_internal_error_is_not_retried(connect):
    fault = respond(500, '{"code": "internal_error", "detail": "d"}', Content_Type="application/problem+json")
    client, transport = connect(fault)
    with pytest.raises(InternalError):
        list(client.collection("cars").resources())
    assert len(transport.requests) == 1


def test_a_feed_continues_after_an_interruption(connect, lorries):
    registered = [lorries.register(f"Lorry{number}").id for number in range(4)]
    client, _ = connect(connection_reset, respond(200, "{}"))
    feed = client.events(page_size=2)
    with pytest.raises(UnexpectedResponse):
        list(feed)
    assert [event.resource_id for event in feed] == registered
