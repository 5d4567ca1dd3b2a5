"""The options of every call: time limits and headers; and what the client logs."""

import logging

import pytest

from invsys_client import Client, Unavailable
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import BUSY, forward, response_lost


def timeouts(transport):
    return [request.extensions["timeout"]["read"] for request in transport.requests]


def test_a_call_can_have_its_own_timeout(connect, lorry):
    client, transport = connect(timeout=3)
    lorries = client.collection("lorries")
    lorries.resource(lorry.id, timeout=0.5)
    list(lorries.resources(timeout=1))
    list(client.events(timeout=2))
    lorries.resource(lorry.id, timeout=None)
    assert timeouts(transport) == [0.5, 1, 2, 3]


def test_no_attempt_lasts_beyond_the_deadline(connect, time, lorry):
    client, transport = connect(*[time.timed_out(4)] * 9, timeout=5, deadline=30)
    with pytest.raises(Unavailable) as unavailable:
        client.collection("lorries").resource(lorry.id, deadline=10)
    assert unavailable.value.attempts == 3
    first, second, third = timeouts(transport)
    assert (first, second) == (5, 5)
    assert 1 <= third <= 2


def test_the_deadline_limits_each_page_of_a_list(connect, time, lorry, spare):
    def slow(service, request):
        time.now += 6
        return forward(service, request)

    client, _ = connect(slow, slow, deadline=10)
    assert list(client.collection("lorries").resources(page_size=1)) == [lorry, spare]


def test_the_check_after_a_lost_change_counts_towards_the_deadline(connect, time, lorries, booking):
    def lost(service, request):
        time.now += 9
        return response_lost(service, request)

    client, transport = connect(lost, time.timed_out(2), deadline=10)
    with pytest.raises(Unavailable):
        client.collection("lorries").extend(booking.id, None)
    assert [request.method for request in transport.requests] == ["PATCH", "GET"]
    assert timeouts(transport)[1] == pytest.approx(1)


def test_headers_of_the_client_and_of_a_call_are_sent(connect, lorry):
    client, transport = connect(headers={"X-Team": "booking", "User-Agent": "monolith/5"})
    lorries = client.collection("lorries")
    lorries.allocate(lorry.id, MONDAY, FRIDAY, headers={"traceparent": "00-1-2-01", "X-Team": "fleet"})
    lorries.resource(lorry.id)
    first, second = (request.headers for request in transport.requests)
    assert (first["traceparent"], first["X-Team"], first["User-Agent"]) == ("00-1-2-01", "fleet", "monolith/5")
    assert ("traceparent" in second, second["X-Team"]) == (False, "booking")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("headers", {"headers": {"If-Match": "*"}}),
        ("timeout", {"timeout": 0}),
        ("deadline", {"deadline": None}),
        ("attempts", {"attempts": 0}),
        ("token", {"token": "a\nb"}),
    ],
)
def test_invalid_options_of_a_client_are_named(name, options):
    with pytest.raises(ValueError, match=f"^{name}: "):
        Client("http://inventory", **options)


def test_attempts_are_logged_without_secrets(connect, lorry, caplog):
    caplog.set_level(logging.DEBUG, "invsys_client")
    client, transport = connect(BUSY, token="secret-token")
    lorries = client.collection("lorries")
    lorries.allocate(lorry.id, MONDAY, FRIDAY, reference="secret-order", key="secret-key")
    list(lorries.allocations(reference="secret-order"))
    records = [record for record in caplog.records if record.name == "invsys_client"]
    assert [record.levelname for record in records] == ["DEBUG", "INFO", "DEBUG", "DEBUG"]
    texts = [record.getMessage() for record in records]
    assert texts[0].startswith(f"POST api/lorries/{lorry.id}/allocations: 503, attempt 1, ")
    assert texts[2].startswith(f"POST api/lorries/{lorry.id}/allocations: 201, attempt 2, ")
    assert texts[3].startswith("GET api/lorries/all/allocations: 200, attempt 1, ")
    assert "secret" not in "".join(texts)
    assert len(transport.requests) == 3


def test_an_invalid_token_is_not_in_the_message():
    with pytest.raises(ValueError, match="printable") as error:
        Client("http://inventory", token="secret\n")
    assert "secret" not in str(error.value)
