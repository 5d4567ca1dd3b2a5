"""Responses that are not from the service: success is only what the contract calls success."""

import gzip
import json
import zlib

import httpx2
import pytest

from invsys_client import UnexpectedResponse
from tests.support.faults import respond
from tests.support.tables import table_driven

ID = "6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
LOGIN = respond(200, "<html>login", Content_Type="text/html")


def total(text, body="[]"):
    return respond(200, body, X_Total_Count=text)


OTHER_SERVERS = [
    ("deallocate", lambda cars: cars.deallocate(ID), LOGIN),
    ("decommission", lambda cars: cars.decommission(ID, if_match=1), LOGIN),
    ("empty 200", lambda cars: cars.deallocate(ID), respond(200)),
    ("accepted", lambda cars: cars.deallocate(ID), respond(202)),
    ("count_resources", lambda cars: cars.count_resources(), LOGIN),
    ("count_allocations", lambda cars: cars.count_allocations(), respond(204)),
    ("an object", lambda cars: cars.count_allocations(), total("1", "{}")),
    *((text, lambda cars: cars.count_resources(), total(text)) for text in ("abc", "-1", "1_0", "", "9" * 5000)),
    ("icalendar", lambda cars: cars.icalendar(ID), LOGIN),
    ("gbfs", lambda cars: cars.gbfs(), respond(200, "[]")),
]


@table_driven(("name", "call", "fault"), OTHER_SERVERS)
def test_what_another_server_calls_success_raises_unexpected_response(connect, name, call, fault):
    client, transport = connect(fault)
    with pytest.raises(UnexpectedResponse):
        call(client.collection("cars"))
    assert len(transport.requests) == 1


CAR = {"id": ID, "name": "Car1", "resource_type": "Car", "attributes": {}, "version": 1, "closed_from": None}
DEEP = "[" * 100_000
PROBLEM = "application/problem+json"
EVENT = {"id": "1", "at": "2026-11-20T10:00:00Z", "kind": "resource_registered", "resource_type": "Car"}
EVENT |= {"resource_id": ID, "allocation_id": None, "client_id": None, "request_id": None, "data": {"id": ID}}


def created(text):
    return respond(200, json.dumps({**CAR, "created": text}))


MALFORMED = [
    ("deep", lambda client: client.collection("cars").resource(ID), respond(200, DEEP)),
    ("deep problem", lambda client: client.collection("cars").resource(ID), respond(404, DEEP, Content_Type=PROBLEM)),
    ("deep busy", lambda client: client.event_page(), respond(400, DEEP, Content_Type=PROBLEM)),
    ("long number", lambda client: client.event_page(), respond(200, "9" * 5000)),
    *(
        (text, lambda client: client.collection("cars").resource(ID), created(text))
        for text in ("0001-01-01T00:00:00+23:59", "2026-11-20T10:00:00", "2026-11-20", "2026-11-20T10:00:00+99:59")
    ),
    ("event", lambda client: client.mirror(Store(), {"cars": "Car"}), respond(200, "[]")),
    ("odd encoding", lambda client: client.whoami(), respond(200, "<", Content_Type="text/html; charset=zlib")),
]


class Store:
    """A store with a copy."""

    def cursor(self):
        return '{"cars": "Car"} abc'

    def write(self, batch):
        raise AssertionError


@table_driven(("name", "call", "fault"), MALFORMED)
def test_a_malformed_document_raises_unexpected_response(connect, name, call, fault):
    client, _ = connect(fault)
    with pytest.raises(UnexpectedResponse) as unexpected:
        call(client)
    assert len(unexpected.value.text) <= 200


def test_a_malformed_event_raises_unexpected_response_in_mirror(connect):
    client, _ = connect(respond(200, json.dumps({"events": [EVENT], "next": "abc"})))
    with pytest.raises(UnexpectedResponse):
        client.mirror(Store(), {"cars": "Car"})


LINKS = [
    "http://[::1/api",
    "\u00ff:99999999/",
    "http://inventory:99999999/",
    "/api/cars?limit=100",
    "?limit=100",
    "http://x y/",
]


@table_driven("link", LINKS)
def test_a_next_page_that_leads_nowhere_raises_unexpected_response(connect, link):
    page = httpx2.Response(200, content=b"[]", headers=[(b"Link", f'<{link}>; rel="next"'.encode("latin-1"))])
    client, transport = connect(*[lambda service, request: page] * 3)
    with pytest.raises(UnexpectedResponse):
        list(client.collection("cars").resources())
    assert len(transport.requests) == 1


def test_a_feed_that_does_not_advance_raises_unexpected_response(connect):
    page = respond(200, '{"events": [], "next": "abc"}', Link='</api/events?after=abc>; rel="next"')
    client, transport = connect(*[page] * 3)
    with pytest.raises(UnexpectedResponse):
        list(client.events("abc"))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_too_large_is_not_read(connect, encoding):
    compress = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join([*(compress.compress(b" " * 2**20) for _ in range(65)), compress.flush()])
    response = httpx2.Response(200, headers={"Content-Encoding": encoding}, stream=httpx2.ByteStream(bomb))
    client, _ = connect(lambda service, request: response)
    with pytest.raises(UnexpectedResponse, match="more than 67,108,864 bytes"):
        list(client.collection("cars").resources())


def test_a_compressed_response_is_read(connect, lorry):
    def compressed(service, request):
        response = service.handle_request(request)
        response.read()
        headers = {"Content-Encoding": "gzip", "Content-Type": response.headers["Content-Type"]}
        return httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(gzip.compress(response.content)))

    client, _ = connect(compressed)
    assert list(client.collection("lorries").resources()) == [lorry]
