"""Reads say how old an answer may be: a client reads its own changes, although a standby may answer other reads."""

import pytest

from invsys_client import Unavailable
from tests.client.conftest import FRIDAY, MONDAY
from tests.support.faults import response_lost


def cache_control(transport):
    return [(request.method, request.headers.get("Cache-Control")) for request in transport.requests]


def test_a_client_reads_its_own_changes(connect, time, lorry):
    client, transport = connect()
    lorries = client.collection("lorries")
    lorries.availability(lorry.id, MONDAY, FRIDAY)
    lorries.allocate(lorry.id, MONDAY, FRIDAY)
    lorries.availability(lorry.id, MONDAY, FRIDAY)
    time.now += 10
    lorries.availability(lorry.id, MONDAY, FRIDAY)
    time.now += 0.1
    lorries.availability(lorry.id, MONDAY, FRIDAY)
    assert cache_control(transport) == [
        ("GET", "max-age=10"),
        ("POST", None),
        ("GET", "no-cache"),
        ("GET", "no-cache"),
        ("GET", "max-age=10"),
    ]


def test_a_change_without_a_response_counts_too(connect, lorry):
    client, transport = connect(response_lost, attempts=1)
    lorries = client.collection("lorries")
    with pytest.raises(Unavailable):
        lorries.allocate(lorry.id, MONDAY, FRIDAY)
    lorries.availability(lorry.id, MONDAY, FRIDAY)
    assert cache_control(transport)[-1] == ("GET", "no-cache")


def test_the_headers_of_the_caller_replace_it(connect, lorry):
    client, transport = connect()
    lorries = client.collection("lorries")
    lorries.availability(lorry.id, MONDAY, FRIDAY, headers={"cache-control": "max-age=1"})
    other, other_transport = connect(headers={"cache-control": "no-cache"})
    other.collection("lorries").availability(lorry.id, MONDAY, FRIDAY)
    assert cache_control(transport) == [("GET", "max-age=1")]
    assert cache_control(other_transport) == [("GET", "no-cache")]


def test_the_replacement_of_a_vehicle_reads_what_is_current(connect, time, lorry, spare):
    client, transport = connect()
    lorries = client.collection("lorries")
    lorries.replace_vehicle(lorry.id, start=MONDAY, end=FRIDAY)
    time.now += 60
    del transport.requests[:]
    lorries.replace_vehicle(lorry.id, start=MONDAY, end=FRIDAY)
    lists = [request for request in transport.requests if request.url.path.endswith("/allocations")]
    assert {request.headers["Cache-Control"] for request in lists if request.method == "GET"} == {"no-cache"}
