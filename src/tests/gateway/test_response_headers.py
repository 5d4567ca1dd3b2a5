"""Response headers: the allowlist is forwarded unchanged, everything else is removed."""

import pytest

from tests.support.raw_upstream import respond_with
from tests.support.tables import table_driven

FORWARDED = {
    "Accept-Patch": "application/json",
    "Accept-Ranges": "bytes",
    "Age": "3",
    "Allow": "GET, HEAD",
    "Cache-Control": "private, max-age=60",
    "Content-Disposition": 'attachment; filename="a.ics"',
    "Content-Language": "en",
    "Content-Range": "bytes 0-1/9",
    "Content-Security-Policy": "default-src 'self'",
    "Content-Type": "text/calendar; charset=utf-8",
    "ETag": '"a-b;c,d"',
    "Idempotency-Replayed": "true",
    "Last-Modified": "Thu, 26 Nov 2026 10:00:00 GMT",
    "Link": '</api/cars?cursor=a%20b&limit=1>; rel="next"',
    "Location": "/api/cars/1",
    "Referrer-Policy": "same-origin",
    "Retry-After": "7",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
REMOVED = [
    "Set-Cookie: session=1",
    "X-Powered-By: something",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Proxy-Connection: keep-alive",
    "Upgrade: h2c",
    "Trailer: X-A",
    "TE: trailers",
    "Via: 1.1 inside",
    "Alt-Svc: h2=elsewhere.example:443",
    "Clear-Site-Data: *",
    "Refresh: 0; url=http://elsewhere.example",
    "Strict-Transport-Security: max-age=1",
    "Access-Control-Allow-Origin: *",
    "Access-Control-Allow-Credentials: true",
    "X-Accel-Redirect: /etc/passwd",
    "X-Client-Id: root",
    "X-Unknown: 1",
    "Public-Key-Pins: 1",
]


def respond_with_headers(*lines, status="200 OK", body=b"ok"):
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return respond_with("\r\n".join(head).encode("latin-1"), body)


@table_driven(("name", "value"), FORWARDED.items())
def test_an_allowed_header_is_forwarded_unchanged(gateway, service, name, value):
    service.respond = respond_with_headers(f"{name}: {value}")
    response = gateway.get("/api/cars")
    assert (response.status, response.body) == (200, b"ok")
    assert response.values(name) == [value]


@pytest.mark.parametrize("name", ["cache-control", "CACHE-CONTROL", "referrer-policy", "x-content-type-options"])
def test_a_header_of_the_service_replaces_the_default(gateway, service, name):
    service.respond = respond_with_headers(f"{name}: of-the-service")
    assert gateway.get("/api/cars").values(name) == ["of-the-service"]


@table_driven("line", REMOVED)
def test_other_headers_are_removed(gateway, service, line):
    service.respond = respond_with_headers("Content-Type: text/plain", line)
    response = gateway.get("/api/cars")
    assert (response.status, response.body) == (200, b"ok")
    assert response.values(line.partition(":")[0]) == []


@pytest.mark.parametrize(("name", "value"), [("Server", "inside/1.2"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")])
def test_server_and_date_are_those_of_the_gateway(gateway, service, name, value):
    service.respond = respond_with_headers(f"{name}: {value}")
    [forwarded] = gateway.get("/api/cars").values(name)
    assert forwarded != value


@pytest.mark.parametrize("options", ["close", "keep-alive", "ETag", "close, Content-Length, ETag"])
def test_connection_is_not_forwarded(gateway, service, options):
    service.respond = respond_with_headers(f"Connection: {options}", 'ETag: "a"')
    first, second = gateway.raw_all(b"GET /api/cars HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n" * 2)
    for response in (first, second):
        assert (response.values("connection"), response.body, response.values("content-length")) == ([], b"ok", ["2"])


def test_the_request_id_of_the_service_is_replaced(gateway, service):
    service.respond = respond_with_headers("X-Request-Id: of-the-service")
    response = gateway.get("/api/cars", "X-Request-Id: of-the-caller")
    assert response.values("x-request-id") == ["of-the-caller"]


@pytest.mark.parametrize("name", ["Link", "Vary", "Allow"])
def test_a_repeated_header_keeps_both_values(gateway, service, name):
    service.respond = respond_with_headers(f"{name}: a", f"{name}: b")
    forwarded = gateway.get("/api/cars").value(name)
    assert [value.strip() for value in forwarded.split(",")][:2] == ["a", "b"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_forwarded_and_not_followed(gateway, service, status):
    service.respond = respond_with_headers("Location: /metrics", status=f"{status} Elsewhere")
    response = gateway.get("/api/cars")
    assert (response.status, response.value("location")) == (status, "/metrics")
    assert [request.target for request in service.requests] == ["/api/cars"]


@table_driven(
    ("location", "forwarded"),
    [
        ("BASE/api/cars/1", "/api/cars/1"),
        ("BASE/api/cars/1?x=BASE", "/api/cars/1?x=BASE"),
        ("BASE", "/"),
        ("BASE/", "/"),
        ("BASE?x=1", "/?x=1"),
        ("http://HOST/api/cars/1", "/api/cars/1"),
        ("HTTP://HOST/api/cars/1", "/api/cars/1"),
        ("//HOST/api/cars/1", "/api/cars/1"),
        ("/api/cars/1", "/api/cars/1"),
        ("https://elsewhere.example/a", "https://elsewhere.example/a"),
        # These begin with the URL of the service, but name another port or host.
        ("BASE0/a", "BASE0/a"),
        ("BASE.elsewhere.example/a", "BASE.elsewhere.example/a"),
    ],
)
def test_the_address_of_the_service_is_removed_from_location(gateway, service, location, forwarded):
    host = service.url.removeprefix("http://")
    location, forwarded = (text.replace("BASE", service.url).replace("HOST", host) for text in (location, forwarded))
    service.respond = respond_with_headers(f"Location: {location}", status="201 Created")
    assert gateway.call("POST", "/echo/a", body=b"").value("location") == forwarded


@pytest.mark.parametrize("base", ["BASE//elsewhere.example/a", "//HOST//elsewhere.example/a"])
def test_a_relative_location_does_not_start_with_two_slashes(gateway, service, base):
    location = base.replace("BASE", service.url).replace("HOST", service.url.removeprefix("http://"))
    service.respond = respond_with_headers(f"Location: {location}", status="302 Found")
    forwarded = gateway.get("/echo/a").value("location")
    assert forwarded is None or not forwarded.startswith("//")


@pytest.mark.parametrize("value", ["a\x01b", "a\x1bb", "a\x7fb", "\xe9"])
def test_a_header_with_invalid_characters_is_removed_or_the_response_rejected(gateway, service, value):
    service.respond = respond_with_headers(f"ETag: {value}", "Content-Language: en")
    response = gateway.get("/api/cars")
    assert response.status in (200, 502)
    assert response.values("etag") in ([], [value])
    assert response.status == 200 or response.code == "upstream_unreachable"


@table_driven("status", ["200", "201", "202", "206", "226", "400", "404", "409", "418", "451", "500", "503", "599"])
def test_any_status_is_forwarded(gateway, service, status):
    service.respond = respond_with_headers("Content-Type: text/plain", status=f"{status} Reason")
    response = gateway.get("/api/cars")
    assert (str(response.status), response.body, response.values("content-type")) == (status, b"ok", ["text/plain"])


@pytest.mark.parametrize(
    "status_line", ["HTTP/1.1 200 ", "HTTP/1.1 200 OK \xe9 \t!", "HTTP/1.0 200 OK", "HTTP/1.1 200"]
)
def test_the_reason_phrase_is_ignored(gateway, service, status_line):
    service.respond = respond_with(f"{status_line}\r\nContent-Length: 2\r\n\r\nok".encode("latin-1"))
    assert (gateway.get("/api/cars").status, gateway.get("/api/cars").body) == (200, b"ok")


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_the_framing_headers_of_an_interim_response_are_ignored(gateway, service, framing):
    early = b"HTTP/1.1 103 Early Hints\r\n" + framing + b"\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"
    for last in (chunked, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"):
        service.respond = respond_with(early, last)
        response = gateway.get("/echo/a")
        # The parser may also reject the interim response.
        assert (response.status, response.body) == (200, b"0123456789") or response.code == "upstream_unreachable"


@pytest.mark.parametrize("location", ["http://[foo", "http://a]/"])
def test_an_invalid_location_is_removed(gateway, service, location):
    service.respond = respond_with(
        f"HTTP/1.1 201 Created\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    response = gateway.call("POST", "/echo/a", body=b"")
    assert (response.status, response.values("location")) == (201, [])


@pytest.mark.parametrize("count", [1, 3])
def test_interim_responses_are_ignored(gateway, service, count):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    service.respond = respond_with(early * count, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    for response in (gateway.get("/api/cars"), gateway.get("/api/cars")):
        assert (response.status, response.body, response.values("link")) == (200, b"ok", [])
