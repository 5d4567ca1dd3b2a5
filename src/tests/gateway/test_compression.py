"""Compression of long text responses for callers that accept gzip; each representation has its own ETag."""

import gzip
import json

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.raw_upstream import respond_with
from tests.support.tables import table_driven

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
LIST = json.dumps([{"id": number, "name": f"Car{number}"} for number in range(100)]).encode()
MIB = 2**20


@pytest.fixture
def client(build_from_ini, upstream, add_client):
    """A client of a gateway in front of ``upstream``; the client accepts gzip."""
    app = build_from_ini({"services": {"inventory": upstream.url}})
    client = as_client(app, add_client("booking", *ALL_SCOPES))
    client.environ_base["HTTP_ACCEPT_ENCODING"] = "gzip, deflate, br"
    return client


@pytest.fixture
def respond(upstream):
    """Return a function that sets the service's response."""

    def respond(body=LIST, *lines, status="200 OK", media_type="application/json", length=None):
        head = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", *lines, f"Content-Length: {length or len(body)}"]
        upstream.respond = respond_with("\r\n".join([*head, "", ""]).encode(), body)

    return respond


def is_plain(response, body=LIST):
    """Return whether the response has this body, uncompressed."""
    return "Content-Encoding" not in response.headers and response.data == body


def words(response, name):
    return {word.strip() for word in response.headers.get(name, "").split(",")}


def test_a_long_response_is_compressed(client, respond):
    respond(LIST, 'ETag: "3"', "Vary: Accept", "Accept-Ranges: bytes")
    response = client.get("/api/cars")
    assert gzip.decompress(response.data) == LIST
    assert len(response.data) < len(LIST) / 4
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers.getlist("Content-Length") == [str(len(response.data))]
    assert response.headers["ETag"] == '"3-gzip"'
    assert words(response, "Vary") == {"Accept", "Accept-Encoding"}
    # A range would refer to the uncompressed body.
    assert "Accept-Ranges" not in response.headers


@table_driven(
    ("media_type", "is_compressed"),
    [
        ("application/json", True),
        ("application/problem+json; charset=utf-8", True),
        ("application/xml; charset=utf-8", True),
        ("application/problem+xml", True),
        ("text/calendar; charset=utf-8", True),
        ("text/css", True),
        ("text/javascript", True),
        ("application/javascript", True),
        ("image/svg+xml", True),
        # The list at /table repeats its query next to data, which would permit the BREACH attack.
        ("text/html; charset=utf-8", False),
        ("image/png", False),
        ("application/octet-stream", False),
        ("application/jsonx", False),
        ("x-application/json", False),
    ],
)
def test_only_text_without_html_is_compressed(client, respond, media_type, is_compressed):
    respond(media_type=media_type)
    response = client.get("/api/cars")
    assert is_plain(response) != is_compressed
    assert ("Accept-Encoding" in words(response, "Vary")) == is_compressed


@pytest.mark.parametrize(
    ("length", "is_compressed"), [(0, False), (1, False), (1023, False), (1024, True), (MIB, True), (MIB + 1, False)]
)
def test_short_and_streamed_responses_are_not_compressed(client, respond, length, is_compressed):
    body = b"1" * length
    respond(body)
    response = client.get("/api/cars")
    assert is_plain(response, body) != is_compressed
    assert ("Vary" in response.headers) == is_compressed


@table_driven(
    ("accept_encoding", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.1", True),
        ("*", True),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("*, gzip;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("gzipped", False),
        ("gzip;q=x, \xff", False),
        (f"gzip{' ' * 28_000}", False),
    ],
)
def test_only_a_caller_that_prefers_gzip_gets_it(client, respond, accept_encoding, is_compressed):
    respond(LIST, 'ETag: "3"')
    response = client.get("/api/cars", headers={"Accept-Encoding": accept_encoding})
    assert is_plain(response) != is_compressed
    assert response.headers["ETag"] == ('"3-gzip"' if is_compressed else '"3"')
    # Uncompressed responses need it, too: a cache must not return them to callers with another Accept-Encoding.
    assert words(response, "Vary") == {"Accept-Encoding"}


def test_a_caller_without_accept_encoding_gets_no_gzip(client, respond):
    respond()
    del client.environ_base["HTTP_ACCEPT_ENCODING"]
    assert is_plain(client.get("/api/cars"))


@pytest.mark.parametrize("line", ["Content-Encoding: br", "Cache-Control: private, no-transform"])
def test_a_response_that_must_not_be_changed_is_forwarded_unchanged(client, respond, line):
    respond(LIST, line, 'ETag: "3"')
    response = client.get("/api/cars")
    name, value = line.split(": ")
    assert (response.data, response.headers[name], response.headers["ETag"]) == (LIST, value, '"3"')


def test_a_partial_response_is_not_compressed(client, respond):
    respond(LIST, "Content-Range: bytes 0-9/99", status="206 Partial Content")
    response = client.get("/api/cars", headers={"Range": "bytes=0-9"})
    assert is_plain(response)
    assert words(response, "Vary") == {"Accept-Encoding"}


@pytest.mark.parametrize(
    ("status", "method"), [("201 Created", "POST"), ("409 Conflict", "POST"), ("404 Not Found", "GET")]
)
def test_responses_of_every_other_status_are_compressed(client, respond, status, method):
    respond(status=status)
    response = client.open("/api/cars", method=method)
    assert (response.status, gzip.decompress(response.data)) == (status.upper(), LIST)


def test_a_weak_etag_stays(client, respond):
    respond(LIST, 'ETag: W/"3"')
    assert client.get("/api/cars").headers["ETag"] == 'W/"3"'


def test_head_has_the_headers_of_get_except_for_the_unknown_length(client, respond):
    respond(LIST, 'ETag: "3"', "Accept-Ranges: bytes")
    varying = ("Content-Length", "RateLimit", "X-Request-Id")
    read, head = (
        {name: value for name, value in client.open("/api/cars", method=method).headers if name not in varying}
        for method in ("GET", "HEAD")
    )
    assert read == head
    assert "Content-Length" not in client.head("/api/cars").headers


@pytest.mark.parametrize("length", [0, 1023, MIB + 1])
def test_head_has_the_length_of_a_response_that_is_not_compressed(client, respond, length):
    respond(b"", 'ETag: "3"', length=length)
    response = client.head("/api/cars")
    assert (response.headers["ETag"], response.headers["Content-Length"]) == ('"3"', str(length))


@pytest.mark.parametrize(
    ("name", "value", "forwarded"),
    [
        ("If-None-Match", '"3-gzip"', '"3"'),
        ("If-None-Match", 'W/"3-gzip", "4", "a-gzip-gzip"', 'W/"3", "4", "a-gzip"'),
        ("If-Match", '"3-xml-gzip"', '"3-xml"'),
        ("If-Match", "*", "*"),
        ("If-Match", '"-gzip', '"-gzip'),
        # The ETag is that of the compressed response, but the range would refer to the uncompressed body.
        ("If-Range", '"3-gzip"', '"3-gzip"'),
    ],
)
def test_the_service_gets_its_own_etags(client, upstream, name, value, forwarded):
    client.patch(CAR, headers={name: value})
    assert upstream.requests[0].values(name) == [forwarded]


@pytest.mark.parametrize(
    ("if_none_match", "etag", "vary"), [('"2", "3-gzip"', '"3-gzip"', "Accept-Encoding"), ('"3"', '"3"', None)]
)
def test_a_304_has_the_etag_that_the_caller_sent(client, upstream, if_none_match, etag, vary):
    upstream.respond = respond_with(b'HTTP/1.1 304 Not Modified\r\nETag: "3"\r\n\r\n')
    response = client.get("/api/cars", headers={"If-None-Match": if_none_match})
    assert (response.status_code, response.headers["ETag"], response.headers.get("Vary")) == (304, etag, vary)


@pytest.mark.parametrize("size", [10, 2000])
def test_the_etag_of_a_compressed_item_works_in_conditional_requests(new_client, size):
    client = new_client("booking", "resources:read", "resources:write")
    client.environ_base["HTTP_ACCEPT_ENCODING"] = "gzip"
    attributes = {f"key{number}": "x" * 100 for number in range(size // 100)}
    created = client.post("/api/cars", json={"name": "Car1", "attributes": attributes})
    url, etag = created.headers["Location"], created.headers["ETag"]
    assert etag == ('"1-gzip"' if size > 1024 else '"1"')
    unchanged = client.get(url, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.headers["ETag"]) == (304, etag)
    assert client.patch(url, json={"name": "Car2"}, headers={"If-Match": etag}).status_code == 200
    assert client.patch(url, json={"name": "Car3"}, headers={"If-Match": etag}).status_code == 412
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_the_openapi_document_is_compressed(new_client):
    client = new_client("any")
    plain = client.get("/api/openapi.json")
    response = client.get("/api/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(response.data) == plain.data
    assert len(response.data) < len(plain.data) / 8
