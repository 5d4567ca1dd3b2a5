"""The deadline holds even if a response arrives byte by byte."""

import asyncio
import itertools
from contextlib import contextmanager

import httpx2
import pytest

from invsys_client import AsyncClient, Client, Unavailable
from tests.support.blocking_client import Blocking
from tests.support.raw_upstream import listening
from tests.support.tables import table_driven

# Each response is complete after 30 seconds.
TIMES = 150
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TRICKLES = [
    ("head", OK + b"X-A: ", b"a", b"\r\nContent-Length: 2\r\n\r\n[]"),
    ("informational", b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 2\r\n\r\n[]"),
    ("body", OK + b"Content-Length: %d\r\n\r\n" % (TIMES + 2), b" ", b"[]"),
    ("chunks", OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", b"2\r\n[]\r\n0\r\n\r\n"),
]


@contextmanager
def connected(is_async, url, **options):
    """Yield a client that uses real connections and the real clock."""
    if is_async:
        with asyncio.Runner() as runner:
            client = Blocking(AsyncClient(url, **options), runner)
            yield client
            client.close()
    else:
        with Client(url, **options) as client:
            yield client


@table_driven(("part", "first", "piece", "last"), TRICKLES)
def test_a_response_that_arrives_slowly_does_not_outlast_the_deadline(is_async, part, first, piece, last):
    def respond(connection):
        connection.read()
        connection.send(first)
        connection.send_slowly(piece, TIMES)
        connection.send(last)

    with listening() as service, connected(is_async, service.url, deadline=0.5) as client:
        service.respond = respond
        with pytest.raises(Unavailable) as unavailable:
            list(client.collection("lorries").resources())
    assert isinstance(unavailable.value.__cause__, httpx2.TimeoutException)


class Endless(httpx2.BaseTransport):
    """A transport of the caller whose responses never end."""

    def handle_request(self, request):
        return httpx2.Response(200, content=itertools.repeat(b" "))


def test_the_deadline_holds_for_the_body_with_a_transport_of_the_caller():
    with Client("http://inventory", transport=Endless(), deadline=0.1) as client, pytest.raises(Unavailable):
        list(client.collection("lorries").resources())


def test_limits_that_never_end_are_possible(is_async):
    ok = OK + b"Content-Length: 2\r\n\r\n[]"
    forever = {"timeout": 1e300, "deadline": float("inf")}
    with listening() as service, connected(is_async, service.url, **forever) as client:
        service.respond = lambda connection: connection.send(ok) if connection.read() else None
        assert list(client.collection("lorries").resources()) == []
