"""Request headers: only those on the allowlist and the gateway's own reach the service."""

import pytest

from tests.support.tables import table_driven

# Values that must be forwarded unchanged.
FORWARDED = {
    "accept": "application/xml;q=0.9, */*;q=0.1",
    "accept-language": "de, en;q=0.5",
    "cache-control": "no-cache, max-age=2",
    "idempotency-key": "a-key-!~",
    "if-match": '"v1", W/"v2"',
    "if-none-match": "*",
    "if-modified-since": "Thu, 26 Nov 2026 10:00:00 GMT",
    "if-range": '"v1"',
    "range": "bytes=0-0, -5",
    "user-agent": "booking/1.2 (a; b)",
    "x-request-id": "order-17/a",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
TRACE_PARENT, TRACE_STATE = f"Traceparent: {FORWARDED['traceparent']}", "Tracestate: rojo=00f067aa0ba902b7, congo=t61"

# Headers about the identity of callers and proxies, and unknown headers.
FORGED = [
    "X-Client-Id: root",
    "x-client-id: root",
    "X_Client_Id: root",
    "X_CLIENT_ID: root",
    "X-Client_Id: root",
    "X-Client-Id : root",
    "X-Client-Sees: everything",
    "X_Client_Sees: everything",
    "X-Client-Scopes: resources:write",
    "X-Gateway-Secret: a-secret-of-20-chars",
    "X_Gateway_Secret: a-secret-of-20-chars",
    "X-Forwarded-For: 10.9.8.7",
    "X-Forwarded-Host: elsewhere.example",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /metrics",
    "X-Real-Ip: 10.9.8.7",
    "Forwarded: for=10.9.8.7;host=elsewhere.example",
    "Via: 1.1 elsewhere",
    "X-Original-Url: /metrics",
    "X-Rewrite-Url: /metrics",
    "X-Http-Method-Override: DELETE",
    "X-Method-Override: DELETE",
    "Remote-User: root",
    "Script-Name: /metrics",
    "Path-Info: /metrics",
    "Cookie: session=1",
    "Origin: https://elsewhere.example",
    "Referer: https://elsewhere.example/?token=1",
    "X-Unknown: 1",
    "Proxy: http://elsewhere.example",
]
HOP_BY_HOP = [
    "Connection: keep-alive",
    "Connection: close, X-Client-Id",
    "Connection: X-Request-Id, X-Client-Id, Idempotency-Key",
    "Keep-Alive: timeout=600",
    "Proxy-Connection: keep-alive",
    "Proxy-Authorization: Basic cm9vdDpyb290",
    "Proxy-Authenticate: Basic",
    "TE: trailers, deflate",
    "Trailer: X-Client-Id",
    "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Expect: 100-continue",
]
GATEWAY_HEADERS = {"host", "x-request-id", "x-client-id"}


@pytest.mark.parametrize(("name", "value"), FORWARDED.items())
def test_an_allowed_header_is_forwarded_unchanged(gateway, service, name, value):
    assert gateway.get("/api/cars", f"{name}: {value}").status == 200
    [request] = service.requests
    assert request.values(name) == [value]


def test_the_content_type_is_forwarded(gateway, service):
    gateway.call("POST", "/api/cars", "Content-Type: application/json; charset=utf-8", body=b'{"name": "Car1"}')
    [request] = service.requests
    assert request.values("content-type") == ["application/json; charset=utf-8"]
    assert (request.values("content-length"), request.body) == (["16"], b'{"name": "Car1"}')


@table_driven("line", FORGED)
def test_forged_headers_are_not_forwarded(gateway, service, line):
    response = gateway.get("/api/cars", line)
    # The server rejects a space before the colon (RFC 9112, 5.1).
    assert response.status == (400 if " :" in line else 200)
    for request in service.requests:
        assert request.values("x-client-id") == ["booking"]
        assert {name for name, _ in request.headers} == GATEWAY_HEADERS


@table_driven("line", FORGED)
def test_an_anonymous_request_gets_no_identity(gateway, service, line):
    response = gateway.anonymous("GET", "/docs", line)
    assert response.status == (400 if " :" in line else 200)
    for request in service.requests:
        assert {name for name, _ in request.headers} == GATEWAY_HEADERS - {"x-client-id"}


@pytest.mark.parametrize("line", HOP_BY_HOP)
def test_hop_by_hop_headers_are_not_forwarded(gateway, service, line):
    assert gateway.get("/api/cars", line).status == 200
    [request] = service.requests
    assert {name for name, _ in request.headers} == GATEWAY_HEADERS
    assert request.values("host") == [service.url.removeprefix("http://")]


def test_headers_named_in_connection_are_still_sent(gateway, service):
    gateway.call("POST", "/api/cars", "Connection: X-Client-Id, Content-Length, Host", body=b"{}")
    [request] = service.requests
    assert (request.values("x-client-id"), request.values("content-length")) == (["booking"], ["2"])


def test_the_key_is_not_forwarded(gateway, service):
    for line in ("Proxy-Authorization: Bearer KEY", "X-Api-Key: KEY", "Cookie: key=KEY", "X-Unknown: KEY"):
        assert gateway.get("/api/cars", line.replace("KEY", gateway.key)).status == 200
    assert len(service.requests) == 4
    assert not [request for request in service.requests if gateway.key.encode() in request.head]


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1:1", "gateway\r\nX-Forwarded-Host: a"])
def test_host_is_that_of_the_service(gateway, service, host):
    gateway.raw(f"GET /api/cars HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer KEY\r\n\r\n".encode())
    assert [request.values("host") for request in service.requests] == [[service.url.removeprefix("http://")]]


@pytest.mark.parametrize("sent", ["a b", "a" * 129, "", "é", '\x01"'])
def test_an_invalid_request_id_is_replaced(gateway, service, sent):
    response = gateway.get("/api/cars", f"X-Request-Id: {sent}")
    # The HTTP server may reject the request.
    assert response.status in (200, 400)
    for request in service.requests:
        [forwarded] = request.values("x-request-id")
        assert forwarded not in ("", sent)
        assert forwarded == response.value("x-request-id")


@pytest.mark.parametrize(
    "lines",
    [
        ("Idempotency-Key: a", "Idempotency-Key: b"),
        ("If-Match: a", "If-Match: b"),
        ("X-Request-Id: a", "X-Request-Id: b"),
        ("Content-Type: text/plain", "Content-Type: application/json"),
        ("Accept: a/b", "Accept: c/d"),
    ],
)
def test_a_repeated_header_is_forwarded_once_at_most(gateway, service, lines):
    gateway.call("POST", "/echo/a", *lines, body=b"")
    for request in service.requests:
        assert len(request.values(lines[0].partition(":")[0])) <= 1


@table_driven("separator", ["\x00", "\r", "\n", "\r\n ", "\n\t", "\x0b", "\x1f", "\x7f", "\x85", "é"])
@table_driven("name", ["Idempotency-Key", "Accept", "If-Match", "User-Agent"])
def test_no_value_injects_a_header(gateway, service, name, separator):
    service.reset()
    sent = f"{name}: a{separator}X-Client-Id: root".encode("latin-1")
    gateway.raw_all(b"GET /api/cars HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n" + sent + b"\r\n\r\n")
    assert len(service.requests) <= 1
    for request in service.requests:
        assert request.values("x-client-id") == ["booking"]
        assert {header for header, _ in request.headers} <= GATEWAY_HEADERS | {name.lower()}


@table_driven(
    "lines",
    [
        ("Traceparent: 00-x-y-01", TRACE_STATE),
        (TRACE_STATE,),
        (TRACE_PARENT, TRACE_PARENT),
    ],
)
def test_a_malformed_trace_context_is_dropped_and_the_request_forwarded(gateway, service, lines):
    service.reset()
    assert gateway.get("/echo/a", *lines).status == 200
    [request] = service.requests
    assert request.values("traceparent") == request.values("tracestate") == []


@pytest.mark.parametrize(
    ("lines", "forwarded"),
    [
        ([TRACE_STATE], ["rojo=00f067aa0ba902b7, congo=t61"]),
        (["Tracestate: rojo=1", "Tracestate: congo=2"], ["rojo=1,congo=2"]),
        (["Tracestate: A=1"], []),
    ],
)
def test_a_tracestate_is_forwarded_if_it_is_valid(gateway, service, lines, forwarded):
    assert gateway.get("/echo/a", TRACE_PARENT, *lines).status == 200
    [request] = service.requests
    assert request.values("traceparent") == [FORWARDED["traceparent"]]
    assert request.values("tracestate") == forwarded


def test_many_or_long_headers_are_rejected_or_dropped(gateway, service):
    for lines in ([f"X-Many-{number}: 1" for number in range(5000)], [f"X-Long: {'y' * 500_000}"]):
        service.reset()
        try:
            status = gateway.get("/api/cars", *lines).status
        except ConnectionError:
            status = 431
        assert status in (200, 400, 431)
        assert [{name for name, _ in request.headers} for request in service.requests] == [GATEWAY_HEADERS] * (
            status == 200
        )


def test_the_proxy_in_the_environment_is_not_used(gateway, service, unused_proxy):
    assert gateway.get("/api/cars").status == 200
    assert len(service.requests) == 1
    assert unused_proxy.requests == []
    assert unused_proxy.connections == []
