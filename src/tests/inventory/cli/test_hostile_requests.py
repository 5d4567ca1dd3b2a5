"""Malformed requests over real sockets, to the inventory and to a gateway in front of it: refused, without effects."""

import json
import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import child_processes
from tests.support.effort import rounds
from tests.support.hostile_requests import NAME, NAME_LENGTH, all_requests
from tests.support.hostile_values import all_values
from tests.support.raw_client import request, send_all
from tests.support.serving import send_request

pytestmark = pytest.mark.one_engine

SERVICES = ["inventory", "gateway"]
# Bytes by which the memory of a worker may grow while it handles all requests again and again. Less than the largest
# requests of one round, so that a leak of bodies or heads is found.
_GROWTH = 10 * 2**20


@pytest.fixture
def pair(served_pair):
    """An inventory and a gateway in front of it; checks that both keep their workers and report no errors."""
    workers = [child_processes(process) for process in served_pair["processes"]]
    yield served_pair
    assert [child_processes(process) for process in served_pair["processes"]] == workers
    for log in served_pair["logs"]:
        text = log.read_text()
        assert "Traceback" not in text
        assert "panicked" not in text


def names_of_cars(pair):
    cars = json.loads(send_request(pair["inventory"], "GET", "/api/cars?limit=1000")[2])
    return Counter(car["name"] for car in cars)


def responses_to(pair, service, data):
    """Send bytes; return the responses without 100 Continue."""
    responses = send_all(pair[service], data)
    return [response for response in responses if response.status != 100]


@pytest.mark.parametrize("service", SERVICES)
def test_every_malformed_request_is_refused_and_every_unusual_one_runs_once(pair, service):
    sent, wrong = {}, {}
    for number, one in enumerate(all_requests()):
        name = f"{service[0]}{number:0{NAME_LENGTH - 1}}"
        data = one.data.replace(b"KEY", pair["full_key"].encode()).replace(NAME, name.encode())
        statuses = [response.status for response in responses_to(pair, service, data)]
        sent[name] = one.name, statuses
        # A refusal may also be a closed connection.
        if not set(statuses) <= set(one.statuses) or (not statuses and 400 not in one.statuses):
            wrong[one.name] = statuses
    assert wrong == {}
    registered = names_of_cars(pair)
    effects = {name: registered[name] for name in sent}
    assert {sent[name]: count for name, count in effects.items() if count != sent[name][1].count(201)} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_every_malformed_value_is_refused_or_ignored(pair, service):
    wrong = {}
    for one in all_values():
        key = b"" if b"Authorization" in one.rest else b"Authorization: Bearer %b\r\n" % pair["full_key"].encode()
        data = b"%b HTTP/1.1\r\nHost: localhost\r\n%b%b" % (one.line, key, one.rest)
        before = names_of_cars(pair).total()
        statuses = [response.status for response in responses_to(pair, service, data)]
        if len(statuses) > 1 or not set(statuses) <= set(one.statuses) | {409 if 201 in one.statuses else 400}:
            wrong[one.name] = statuses
        elif names_of_cars(pair).total() - before != statuses.count(201):
            wrong[one.name] = "another effect"
    assert wrong == {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_body_shorter_than_its_length_changes_nothing(pair, service):
    before = names_of_cars(pair)
    body = b'{"name": "short"}'
    data = request("POST", "/api/cars", pair["full_key"], "Content-Type: application/json", body=body)
    data = data.replace(b"Content-Length: ", b"Content-Length: 1").replace(b"Host: gateway", b"Host: localhost")
    with socket.create_connection(("127.0.0.1", pair[service])) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = connection.makefile("rb").read()
    assert received == b"" or received.startswith(b"HTTP/1.1 400 ")
    assert names_of_cars(pair) == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_length_beside_chunks_closes_the_connection(pair, service):
    # RFC 9112, section 6.1.
    head = "Content-Length: 30\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json"
    data = request("POST", "/api/cars", pair["full_key"], *head.split("\r\n")).replace(
        b"Host: gateway", b"Host: localhost"
    )
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    [response] = responses_to(pair, service, data + b"0\r\n\r\n" + hidden)
    assert response.status == 400


def memory(process):
    """Return the resident memory of the only worker of a server, in bytes."""
    [worker] = child_processes(process)
    pages = Path(f"/proc/{worker}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_malformed_requests_leave_no_memory_behind(pair):
    requests = [one.data.replace(b"KEY", pair["full_key"].encode()) for one in all_requests()]
    # The first rounds fill caches and free lists.
    for number in range(2 + rounds(3, 30)):
        if number == 2:
            before = [memory(process) for process in pair["processes"]]
        for data in requests:
            for service in SERVICES:
                responses_to(pair, service, data)
    growth = [memory(process) - used for process, used in zip(pair["processes"], before, strict=True)]
    assert max(growth) < _GROWTH
