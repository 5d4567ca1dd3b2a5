"""Which headers of a request reach the service behind: those that are named, and the gateway's own."""

import pytest

# What each says has to arrive as it was sent.
PASSED = {
    "accept": "application/xml;q=0.9, */*;q=0.1",
    "accept-language": "de, en;q=0.5",
    "idempotency-key": "a-key-!~",
    "if-match": '"v1", W/"v2"',
    "if-none-match": "*",
    "if-modified-since": "Thu, 26 Nov 2026 10:00:00 GMT",
    "if-range": '"v1"',
    "range": "bytes=0-0, -5",
    "user-agent": "booking/1.2 (a; b)",
    "x-request-id": "order-17/a",
}

# The identity of a caller, and of whoever stands in front.
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
    "X-Made-Up: 1",
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
OWN = {"host", "x-request-id", "x-client-id"}


@pytest.mark.parametrize(("name", "value"), PASSED.items())
def test_a_header_that_the_service_knows_arrives_as_it_was_sent(door, behind, name, value):
    assert door.get("/api/cars", f"{name}: {value}").status == 200
    [request] = behind.requests
    assert request.values(name) == [value]


def test_the_type_of_a_body_arrives_with_it(door, behind):
    door.call("POST", "/api/cars", "Content-Type: application/json; charset=utf-8", body=b'{"name": "Car1"}')
    [request] = behind.requests
    assert request.values("content-type") == ["application/json; charset=utf-8"]
    assert (request.values("content-length"), request.body) == (["16"], b'{"name": "Car1"}')


@pytest.mark.parametrize("line", FORGED)
def test_what_only_a_gateway_may_say_is_said_by_the_gateway(door, behind, line):
    answer = door.get("/api/cars", line)
    # A blank before the colon is refused by the server in front (RFC 9112, 5.1).
    assert answer.status == (400 if " :" in line else 200)
    for request in behind.requests:
        assert request.values("x-client-id") == ["booking"]
        assert {name for name, _ in request.headers} == OWN


@pytest.mark.parametrize("line", FORGED)
def test_nobody_becomes_somebody_on_a_public_page(door, behind, line):
    answer = door.anonymous("GET", "/docs", line)
    assert answer.status == (400 if " :" in line else 200)
    for request in behind.requests:
        assert {name for name, _ in request.headers} == OWN - {"x-client-id"}


@pytest.mark.parametrize("line", HOP_BY_HOP)
def test_what_is_said_of_one_connection_stays_on_it(door, behind, line):
    assert door.get("/api/cars", line).status == 200
    [request] = behind.requests
    assert {name for name, _ in request.headers} == OWN
    assert request.values("host") == [behind.url.removeprefix("http://")]


def test_what_connection_names_cannot_take_the_identity_away(door, behind):
    door.call("POST", "/api/cars", "Connection: X-Client-Id, Content-Length, Host", body=b"{}")
    [request] = behind.requests
    assert (request.values("x-client-id"), request.values("content-length")) == (["booking"], ["2"])


def test_a_key_never_arrives(door, behind):
    for line in ("Proxy-Authorization: Bearer KEY", "X-Api-Key: KEY", "Cookie: key=KEY", "X-Made-Up: KEY"):
        assert door.get("/api/cars", line.replace("KEY", door.key)).status == 200
    assert len(behind.requests) == 4
    assert not [request for request in behind.requests if door.key.encode() in request.head]


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1:1", "gateway\r\nX-Forwarded-Host: a"])
def test_the_service_is_asked_by_its_own_name(door, behind, host):
    door.raw(f"GET /api/cars HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer KEY\r\n\r\n".encode())
    assert [request.values("host") for request in behind.requests] == [[behind.url.removeprefix("http://")]]


@pytest.mark.parametrize("sent", ["a b", "a" * 129, "", "é", '\x01"'])
def test_a_request_id_that_cannot_be_used_is_replaced(door, behind, sent):
    answer = door.get("/api/cars", f"X-Request-Id: {sent}")
    # The server in front may refuse such a request altogether.
    assert answer.status in (200, 400)
    for request in behind.requests:
        [passed] = request.values("x-request-id")
        assert passed not in ("", sent)
        assert passed == answer.value("x-request-id")


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
def test_a_header_that_comes_twice_makes_at_most_one_line(door, behind, lines):
    door.call("POST", "/echo/a", *lines, body=b"")
    for request in behind.requests:
        assert len(request.values(lines[0].partition(":")[0])) <= 1


@pytest.mark.parametrize("letter", ["\x00", "\r", "\n", "\r\n ", "\n\t", "\x0b", "\x1f", "\x7f", "\x85", "é"])
@pytest.mark.parametrize("name", ["Idempotency-Key", "Accept", "If-Match", "User-Agent"])
def test_no_value_becomes_a_line_of_its_own(door, behind, name, letter):
    sent = f"{name}: a{letter}X-Client-Id: root".encode("latin-1")
    door.raw_all(b"GET /api/cars HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n" + sent + b"\r\n\r\n")
    assert len(behind.requests) <= 1
    for request in behind.requests:
        assert request.values("x-client-id") == ["booking"]
        assert {each for each, _ in request.headers} <= OWN | {name.lower()}


def test_many_headers_and_long_ones_are_refused_or_left_out(door, behind):
    for lines in ([f"X-Many-{number}: 1" for number in range(5000)], [f"X-Long: {'y' * 500_000}"]):
        behind.again()
        try:
            status = door.get("/api/cars", *lines).status
        except ConnectionError:
            status = 431
        assert status in (200, 400, 431)
        assert [{name for name, _ in request.headers} for request in behind.requests] == [OWN] * (status == 200)


def test_the_proxy_in_the_environment_is_not_asked(door, behind, proxy_nobody_asks):
    assert door.get("/api/cars").status == 200
    assert len(behind.requests) == 1
    assert proxy_nobody_asks.requests == []
    assert proxy_nobody_asks.connections == []
