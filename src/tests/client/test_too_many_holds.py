"""A hold beyond the limit raises TooManyHolds at once: the caller can end a hold sooner than a pause would."""

import pytest

from invsys.client import TooManyHolds
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import answered


@pytest.fixture
def environ(environ):
    return environ | {"INVSYS_LIMITS_HELD_PER_CLIENT": "1"}


def named(service, request):
    """Pass a request on as the gateway does, in a client's name."""
    request.headers["X-Client-Id"] = "booking"
    return service.handle_request(request)


def test_a_hold_too_many_is_refused_at_once(connect, lorry, spare, time):
    client, way = connect(*[named] * 4)
    lorries = client.collection("lorries")
    held = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=600)
    with pytest.raises(TooManyHolds) as refused:
        lorries.allocate(spare.id, MONDAY, FRIDAY, hold_seconds=600)
    assert 0 < refused.value.retry_after <= 600
    assert (len(way.requests), time.pauses) == (2, [])
    lorries.confirm(held.id)
    assert lorries.allocate(spare.id, MONDAY, FRIDAY, hold_seconds=600).resource_id == spare.id


@pytest.mark.parametrize("retry_after", ["soon", "-1", "1.5", ""])
def test_a_malformed_retry_after_is_none(connect, retry_after):
    refusal = '{"code": "too_many_holds", "detail": "d"}'
    client, way = connect(answered(429, refusal, Content_Type="application/problem+json", Retry_After=retry_after))
    with pytest.raises(TooManyHolds) as refused:
        list(client.collection("cars").resources())
    assert (refused.value.retry_after, len(way.requests)) == (None, 1)
