"""TooManyHolds is raised without a retry; a malformed Retry-After becomes None."""

import pytest

from invsys_client import TooManyHolds
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import respond


@pytest.fixture
def environ(environ):
    return environ | {"INVSYS_LIMITS_HELD_PER_CLIENT": "1"}


def as_gateway(service, request):
    """Forward a request with a client id, as the gateway does."""
    request.headers["X-Client-Id"] = "booking"
    return service.handle_request(request)


def test_a_hold_beyond_the_limit_raises_too_many_holds_without_a_retry(connect, lorry, spare, time):
    client, transport = connect(*[as_gateway] * 4)
    lorries = client.collection("lorries")
    hold = lorries.allocate(lorry.id, MONDAY, FRIDAY, hold_seconds=600)
    with pytest.raises(TooManyHolds) as error:
        lorries.allocate(spare.id, MONDAY, FRIDAY, hold_seconds=600)
    assert 0 < error.value.retry_after <= 600
    assert (len(transport.requests), time.pauses) == (2, [])
    lorries.confirm(hold.id)
    assert lorries.allocate(spare.id, MONDAY, FRIDAY, hold_seconds=600).resource_id == spare.id


@pytest.mark.parametrize("retry_after", ["soon", "-1", "1.5", ""])
def test_a_malformed_retry_after_is_returned_as_none(connect, retry_after):
    problem = '{"code": "too_many_holds", "detail": "d"}'
    client, transport = connect(respond(429, problem, Content_Type="application/problem+json", Retry_After=retry_after))
    with pytest.raises(TooManyHolds) as error:
        list(client.collection("cars").resources())
    assert (error.value.retry_after, len(transport.requests)) == (None, 1)
