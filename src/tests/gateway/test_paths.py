"""What becomes of a request's target behind the gateway: it names the same thing to everybody, or reaches nobody."""

import pytest

CAR = "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
ANOTHER = "0b9a4cf5-6c4e-4c0c-9a69-0a4f0d9d8f11"

# As it is written, and as it is passed on.
PASSED = [
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

# The service has all of these, and the gateway gives none of them away.
HIDDEN = ["/metrics", "/healthz", "/readyz"]
CLIMBS = [
    f"{start}{climb}{hidden}"
    for start in ("/api/cars", "/echo/a", "/docs", "/static", "/static/page.css")
    for hidden in ("metrics", "healthz", "readyz")
    for climb in (
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
REFUSED = [
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
# No letter of these may stand in a request line.
ILLEGAL = [b"\x00", b"\x01", b"\t", b"\x0b", b"\x0c", b"\r", b"\n", b"\x1f", b" ", b"\x7f", b"\xc3\xa9", b"\xff", b"#"]


def plain(request):
    return all("!" <= letter <= "~" for letter in request.target)


@pytest.mark.parametrize(("written", "passed"), PASSED)
def test_a_plain_path_is_passed_on_decoded(door, behind, written, passed):
    assert door.get(written).status == 200
    assert [request.target for request in behind.requests] == [passed]


def test_what_climbs_out_of_a_route_reaches_nothing(door, behind):
    statuses = {target: door.get(target).status for target in CLIMBS}
    assert {target: status for target, status in statuses.items() if status not in (400, 404)} == {}
    assert [request.target for request in behind.requests] == []


@pytest.mark.parametrize("target", REFUSED)
def test_what_another_may_read_as_another_path_is_refused(door, behind, target):
    answer = door.get(target)
    assert answer.status in (400, 404)
    assert answer.status == 400 or answer.code == "not_found"
    assert [request.target for request in behind.requests] == []


@pytest.mark.parametrize("letter", ILLEGAL)
def test_a_letter_that_has_no_place_in_a_target_adds_no_request_and_no_line(door, behind, letter):
    for target in (b"/echo/a" + letter + b"b", b"/echo/a?x=" + letter + b"y"):
        behind.again()
        answers = door.raw_all(
            b"GET " + target + b" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"
        )
        assert [answer.status for answer in answers] in ([], [200], [400], [404])
        assert len(behind.requests) <= 1
        assert all(map(plain, behind.requests))
        assert {name for request in behind.requests for name, _ in request.headers} <= PASSED_HEADERS


PASSED_HEADERS = {"host", "x-request-id", "x-client-id", "content-length"}


@pytest.mark.parametrize(
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
def test_a_target_with_a_host_of_its_own_leads_nowhere_else(door, behind, target):
    [answer] = door.raw_all(
        f"GET {target} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n".encode()
    ) or [None]
    # The gateway's own metrics may be named in this way too; the service's are not reached.
    assert answer is None or answer.status in (200, 400, 404)
    assert answer is None or answer.value("location") is None
    assert [request.target for request in behind.requests] in ([], ["/?x"], ["/"])


def test_an_absolute_target_is_the_path_in_it(door, behind):
    assert door.get(f"http://elsewhere.example{CAR}?x=1").status == 200
    [request] = behind.requests
    assert (request.target, request.values("host")) == (f"{CAR}?x=1", [behind.url.removeprefix("http://")])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", HIDDEN)
def test_the_gateway_answers_for_itself_where_services_do(door, behind, path, method):
    may_anybody = method in ("GET", "HEAD", "OPTIONS")
    assert (door.anonymous if may_anybody else door.call)(method, path).status == (200 if may_anybody else 405)
    assert behind.requests == []


@pytest.mark.parametrize(
    "path", ["/metrics/", "/METRICS", "/metrics/x", "/metrics.", "/healthz/", "/readyz/", "/%6Detrics/"]
)
def test_what_looks_like_them_is_nothing(door, behind, path):
    assert door.get(path).status == 404
    assert behind.requests == []


# RFC 3986, 3.4: what may stand in a query stands in it as it came.
@pytest.mark.parametrize(
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
def test_a_query_is_passed_on_letter_for_letter(door, behind, query):
    assert door.get(f"/echo/a?{query}").status == 200
    [request] = behind.requests
    assert request.target == (f"/echo/a?{query}" if query else "/echo/a")


@pytest.mark.parametrize(
    ("written", "passed"),
    [
        ('x="y"', "x=%22y%22"),
        ("x=<y>", "x=%3Cy%3E"),
        ("x={y}", "x=%7By%7D"),
        ("x=[y]", "x=%5By%5D"),
        ("x=a|b^c`d\\e", "x=a%7Cb%5Ec%60d%5Ce"),
        ("x=é", "x=%C3%A9"),
    ],
)
def test_what_may_not_stand_in_a_query_is_percent_encoded(door, behind, written, passed):
    answer = door.raw(
        b"GET /echo/a?" + written.encode() + b" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer KEY\r\n\r\n"
    )
    # The server in front may refuse it altogether.
    assert answer.status in (200, 400)
    assert [request.target for request in behind.requests] == ([f"/echo/a?{passed}"] if answer.status == 200 else [])


@pytest.mark.parametrize("length", [10_000, 60_000, 1_000_000])
@pytest.mark.parametrize("start", ["/echo/", "/echo/a?x=", "/api/cars?name="])
def test_an_overlong_target_is_passed_on_whole_or_refused(door, behind, start, length):
    target = start + "y" * length
    try:
        status = door.get(target).status
    except ConnectionError:
        status = 414
    assert status in (200, 400, 404, 414, 431)
    assert [request.target for request in behind.requests] == ([target] if status == 200 else [])
