"""Request targets: only targets that every server interprets in the same way are forwarded."""

import pytest

from tests.support.tables import table_driven

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
ANOTHER = "0b9a4cf5-6c4e-4c0c-9a69-0a4f0d9d8f11"

# The target as sent, and as forwarded.
FORWARDED = [
    ("/echo/a", "/echo/a"),
    ("/echo/a/", "/echo/a/"),
    ("/echo/A-z_0.9~", "/echo/A-z_0.9~"),
    ("/echo/%41%7e", "/echo/A~"),
    ("/echo/a%2Fb", "/echo/a/b"),
    ("/echo/a%2fb", "/echo/a/b"),
    ("/echo%2fa", "/echo/a"),
    ("/%65cho/a", "/echo/a"),
    ("/api%2Fcars", "/api/cars"),
    (f"{CAR}%2Fallocations%2f{ANOTHER}", f"{CAR}/allocations/{ANOTHER}"),
    ("/echo/.well-known", "/echo/.well-known"),
    ("/echo/a..b/...", "/echo/a..b/..."),
]

# Routes of the service that the gateway must not forward.
HIDDEN = ["/metrics", "/healthz", "/readyz"]
TRAVERSALS = [
    f"{start}{traversal}{hidden}"
    for start in ("/api/cars", "/echo/a", "/docs", "/static", "/static/page.css")
    for hidden in ("metrics", "healthz", "readyz")
    for traversal in (
        "/../../",
        "/..%2f..%2f",
        "%2f..%2f..%2f",
        "/%2e%2e/%2e%2e/",
        "/%2E./.%2e/",
        "/%2e%2e%2f%2e%2e%2f",
        "/..;/..;/",
        "/..;x=1/..;x=1/",
        "/..%3b/..%3b/",
        "/%5c..%5c..%5c",
        "/..\\..\\",
        "/%252e%252e/%252e%252e/",
        "/..%00/..%00/",
        "/..%c0%af..%c0%af",
        "/%c0%ae%c0%ae/%c0%ae%c0%ae/",
        "/.%20./.%20./",
    )
]
REJECTED = [
    "/api/%2e%2e%2fmetrics",
    "/api/../metrics",
    "/api/./cars",
    "/api/%2e/cars",
    "/./metrics",
    "/../metrics",
    "/%2e%2e/metrics",
    "//metrics",
    "//api/cars",
    "/api//cars",
    "/api/%2fcars",
    "/api%2f%2fcars",
    "///api/cars",
    "/api/cars/..",
    "/api/cars/%2e%2e",
    "/echo/..",
    "/echo/.",
    "/echo/a/../b",
    "/echo/a/..%2fb",
    "/echo//a",
    "/echo/a//",
    "/echo/a%3fb",
    "/echo/a%3Fx=1",
    "/echo/a%23b",
    "/echo/a;b",
    "/echo/a%3bb",
    "/echo/a%00",
    "/echo/%00a",
    "/echo/a%0d%0aX-Client-Id:%20root",
    "/echo/a%0ab",
    "/echo/a%0db",
    "/echo/a%20b",
    "/echo/a%09b",
    "/echo/a%7f",
    "/echo/a%5cb",
    "/echo/a%5c..%5cb",
    "/echo/a%25",
    "/echo/a%252fb",
    "/echo/a%",
    "/echo/a%4",
    "/echo/a%zz",
    "/echo/%u0041",
    "/echo/%c3%a9",
    "/echo/%ff",
    "/echo/%c0%af",
    "/echo/%e2%80%ae",
    "/echo/%ef%bc%8f",
    "/echo/a@b",
    "/echo/a:b",
    "/echo/<a>",
    '/echo/"a"',
    "/echo/{a}",
    "/echo/a|b",
    "/echo/a^b",
    "/echo/a`b",
]
# Bytes that are not allowed in a request line.
ILLEGAL = [b"\x00", b"\x01", b"\t", b"\x0b", b"\x0c", b"\r", b"\n", b"\x1f", b" ", b"\x7f", b"\xc3\xa9", b"\xff", b"#"]


def is_visible_ascii(request):
    return all("!" <= character <= "~" for character in request.target)


@table_driven(("target", "forwarded"), FORWARDED)
def test_a_plain_path_is_forwarded_decoded(gateway, service, target, forwarded):
    service.reset()
    assert gateway.get(target).status == 200
    assert [request.target for request in service.requests] == [forwarded]


def test_path_traversal_reaches_no_service(gateway, service):
    statuses = {target: gateway.get(target).status for target in TRAVERSALS}
    assert {target: status for target, status in statuses.items() if status not in (400, 404)} == {}
    assert [request.target for request in service.requests] == []


@table_driven("target", REJECTED)
def test_an_ambiguous_path_is_rejected(gateway, service, target):
    response = gateway.get(target)
    assert response.status in (400, 404)
    assert response.status == 400 or response.code == "not_found"
    assert [request.target for request in service.requests] == []


@table_driven("byte", ILLEGAL)
def test_an_illegal_byte_in_the_target_injects_no_request_and_no_header(gateway, service, byte):
    for target in (b"/echo/a" + byte + b"b", b"/echo/a?x=" + byte + b"y"):
        service.reset()
        responses = gateway.raw_all(
            b"GET " + target + b" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
        )
        assert [response.status for response in responses] in ([], [200], [400], [404])
        assert len(service.requests) <= 1
        assert all(map(is_visible_ascii, service.requests))
        assert {name for request in service.requests for name, _ in request.headers} <= GATEWAY_HEADERS


GATEWAY_HEADERS = {"host", "x-request-id", "x-client-id", "content-length"}


@table_driven(
    "target",
    [
        "http://127.0.0.1/metrics",
        "http://gateway/../metrics",
        "http://gateway//metrics",
        "http://gateway/api/%2e%2e/metrics",
        "https://elsewhere.example/metrics/x",
        "http://metrics",
        "ftp://gateway/echo/../metrics",
        "http:/metrics/x",
        "http:metrics",
        "file:///echo/..",
        "gateway:80",
        "metrics",
        "@elsewhere.example/echo/..",
        "",
        "?x",
    ],
)
def test_an_absolute_target_does_not_reach_another_host(gateway, service, target):
    [response] = gateway.raw_all(
        f"GET {target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n".encode()
    ) or [None]
    # The target may also name the gateway's own metrics; those of the service must not be reached.
    assert response is None or response.status in (200, 400, 404)
    assert response is None or response.value("location") is None
    assert [request.target for request in service.requests] in ([], ["/?x"], ["/"])


def test_the_path_of_an_absolute_target_is_forwarded(gateway, service):
    assert gateway.get(f"http://elsewhere.example{CAR}?x=1").status == 200
    [request] = service.requests
    assert (request.target, request.values("host")) == (f"{CAR}?x=1", [service.url.removeprefix("http://")])


@table_driven("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
@table_driven("path", HIDDEN)
def test_operator_paths_are_those_of_the_gateway(gateway, service, path, method):
    is_public = method in ("GET", "HEAD", "OPTIONS")
    assert (gateway.anonymous if is_public else gateway.call)(method, path).status == (200 if is_public else 405)
    assert service.requests == []


@pytest.mark.parametrize(
    "path", ["/metrics/", "/METRICS", "/metrics/x", "/metrics.", "/healthz/", "/readyz/", "/%6Detrics/"]
)
def test_similar_paths_are_not_found(gateway, service, path):
    assert gateway.get(path).status == 404
    assert service.requests == []


# RFC 3986, 3.4: characters that are allowed in a query are not changed.
@table_driven(
    "query",
    [
        "a=1&b=2",
        "a=1&a=2&A=3",
        "",
        "a",
        "&&=&a==b",
        "a=%20+%2B%26%3d%00%0d%0a%e9%C3%A9",
        "a=b;c=d",
        "a=/../?//:@!$'()*,-._~",
        "a=%",
        "a=%4&b=%zz",
        "available_from=2026-01-01T00:00:00%2B01:00",
        "x=" + "y" * 4000,
    ],
)
def test_a_valid_query_is_forwarded_unchanged(gateway, service, query):
    service.reset()
    assert gateway.get(f"/echo/a?{query}").status == 200
    [request] = service.requests
    assert request.target == (f"/echo/a?{query}" if query else "/echo/a")


@pytest.mark.parametrize(
    ("target", "forwarded"),
    [
        ('x="y"', "x=%22y%22"),
        ("x=<y>", "x=%3Cy%3E"),
        ("x={y}", "x=%7By%7D"),
        ("x=[y]", "x=%5By%5D"),
        ("x=a|b^c`d\\e", "x=a%7Cb%5Ec%60d%5Ce"),
        ("x=é", "x=%C3%A9"),
    ],
)
def test_invalid_characters_in_a_query_are_percent_encoded(gateway, service, target, forwarded):
    response = gateway.raw(
        b"GET /echo/a?" + target.encode() + b" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n\r\n"
    )
    # The HTTP server may reject the request.
    assert response.status in (200, 400)
    assert [request.target for request in service.requests] == (
        [f"/echo/a?{forwarded}"] if response.status == 200 else []
    )


@pytest.mark.parametrize("length", [10_000, 60_000, 1_000_000])
@pytest.mark.parametrize("start", ["/echo/", "/echo/a?x=", "/api/cars?name="])
def test_a_very_long_target_is_forwarded_completely_or_rejected(gateway, service, start, length):
    target = start + "y" * length
    try:
        status = gateway.get(target).status
    except ConnectionError:
        status = 414
    assert status in (200, 400, 404, 414, 431)
    assert [request.target for request in service.requests] == ([target] if status == 200 else [])
