"""What of an answer reaches the caller: what is named, as it was said, and nothing of the service's own house."""

import pytest

from tests.support.raw_upstream import says

PASSED = {
    "Accept-Patch": "application/json",
    "Accept-Ranges": "bytes",
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
KEPT_BACK = [
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
    "X-Made-Up: 1",
    "Public-Key-Pins: 1",
]


def answer_with(*lines, status="200 OK", body=b"ok"):
    head = [f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", ""]
    return says("\r\n".join(head).encode("latin-1"), body)


@pytest.mark.parametrize(("name", "value"), PASSED.items())
def test_what_the_caller_may_know_is_passed_back_as_it_was_said(door, behind, name, value):
    behind.answer = answer_with(f"{name}: {value}")
    answer = door.get("/api/cars")
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.values(name) == [value]


@pytest.mark.parametrize("name", ["cache-control", "CACHE-CONTROL", "referrer-policy", "x-content-type-options"])
def test_what_the_service_said_is_not_said_again(door, behind, name):
    behind.answer = answer_with(f"{name}: of-the-service")
    assert door.get("/api/cars").values(name) == ["of-the-service"]


@pytest.mark.parametrize("line", KEPT_BACK)
def test_what_is_the_services_own_affair_stays_behind(door, behind, line):
    behind.answer = answer_with("Content-Type: text/plain", line)
    answer = door.get("/api/cars")
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.values(line.partition(":")[0]) == []


@pytest.mark.parametrize(("name", "value"), [("Server", "inside/1.2"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")])
def test_of_server_and_date_the_gateway_says_its_own(door, behind, name, value):
    behind.answer = answer_with(f"{name}: {value}")
    [said] = door.get("/api/cars").values(name)
    assert said != value


@pytest.mark.parametrize("said", ["close", "keep-alive", "ETag", "close, Content-Length, ETag"])
def test_what_connection_says_is_of_the_connection_behind(door, behind, said):
    behind.answer = answer_with(f"Connection: {said}", 'ETag: "a"')
    first, second = door.raw_all(b"GET /api/cars HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n\r\n" * 2)
    for answer in (first, second):
        assert (answer.values("connection"), answer.body, answer.values("content-length")) == ([], b"ok", ["2"])


def test_the_request_id_is_the_one_that_was_passed_on(door, behind):
    behind.answer = answer_with("X-Request-Id: of-the-service")
    answer = door.get("/api/cars", "X-Request-Id: of-the-caller")
    assert answer.values("x-request-id") == ["of-the-caller"]


@pytest.mark.parametrize("name", ["Link", "Vary", "Allow"])
def test_a_header_on_two_lines_is_still_two_values(door, behind, name):
    behind.answer = answer_with(f"{name}: a", f"{name}: b")
    said = door.get("/api/cars").value(name)
    assert [value.strip() for value in said.split(",")][:2] == ["a", "b"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_passed_on_and_not_followed(door, behind, status):
    behind.answer = answer_with("Location: /metrics", status=f"{status} Elsewhere")
    answer = door.get("/api/cars")
    assert (answer.status, answer.value("location")) == (status, "/metrics")
    assert [request.target for request in behind.requests] == ["/api/cars"]


@pytest.mark.parametrize(
    ("said", "passed"),
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
        # A longer port is another place.
        ("BASE0/a", "BASE0/a"),
        ("BASE.elsewhere.example/a", "BASE.elsewhere.example/a"),
    ],
)
def test_a_location_never_names_the_service_itself(door, behind, said, passed):
    host = behind.url.removeprefix("http://")
    said, passed = (text.replace("BASE", behind.url).replace("HOST", host) for text in (said, passed))
    behind.answer = answer_with(f"Location: {said}", status="201 Created")
    assert door.call("POST", "/echo/a", body=b"").value("location") == passed


@pytest.mark.parametrize("base", ["BASE//elsewhere.example/a", "//HOST//elsewhere.example/a"])
def test_a_location_made_relative_does_not_lead_elsewhere(door, behind, base):
    said = base.replace("BASE", behind.url).replace("HOST", behind.url.removeprefix("http://"))
    behind.answer = answer_with(f"Location: {said}", status="302 Found")
    passed = door.get("/echo/a").value("location")
    assert passed is None or not passed.startswith("//")


@pytest.mark.parametrize("value", ["a\x01b", "a\x1bb", "a\x7fb", "\xe9"])
def test_a_value_with_letters_that_no_header_has_is_left_out_or_refused(door, behind, value):
    behind.answer = answer_with(f"ETag: {value}", "Content-Language: en")
    answer = door.get("/api/cars")
    assert answer.status in (200, 502)
    assert answer.values("etag") in ([], [value])
    assert answer.status == 200 or answer.code == "upstream_unreachable"


@pytest.mark.parametrize(
    "status", ["200", "201", "202", "206", "226", "400", "404", "409", "418", "451", "500", "503", "599"]
)
def test_a_status_is_passed_back_whatever_it_is(door, behind, status):
    behind.answer = answer_with("Content-Type: text/plain", status=f"{status} As It Is")
    answer = door.get("/api/cars")
    assert (str(answer.status), answer.body, answer.values("content-type")) == (status, b"ok", ["text/plain"])


@pytest.mark.parametrize(
    "status_line", ["HTTP/1.1 200 ", "HTTP/1.1 200 OK \xe9 \t!", "HTTP/1.0 200 OK", "HTTP/1.1 200"]
)
def test_what_a_status_is_called_does_not_matter(door, behind, status_line):
    behind.answer = says(f"{status_line}\r\nContent-Length: 2\r\n\r\nok".encode("latin-1"))
    assert (door.get("/api/cars").status, door.get("/api/cars").body) == (200, b"ok")


@pytest.mark.parametrize("said", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_what_comes_before_the_answer_says_nothing_of_its_end(door, behind, said):
    early = b"HTTP/1.1 103 Early Hints\r\n" + said + b"\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n"
    for last in (chunked, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"):
        behind.answer = says(early, last)
        answer = door.get("/echo/a")
        # What looks like the body of the early one may not be taken for HTTP at all.
        assert (answer.status, answer.body) == (200, b"0123456789") or answer.code == "upstream_unreachable"


@pytest.mark.parametrize("location", ["http://[foo", "http://a]/"])
def test_a_location_that_is_no_url_is_left_out(door, behind, location):
    behind.answer = says(f"HTTP/1.1 201 Created\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    answer = door.call("POST", "/echo/a", body=b"")
    assert (answer.status, answer.values("location")) == (201, [])


@pytest.mark.parametrize("how_often", [1, 3])
def test_what_comes_before_the_answer_is_not_the_answer(door, behind, how_often):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    behind.answer = says(early * how_often, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    for answer in (door.get("/api/cars"), door.get("/api/cars")):
        assert (answer.status, answer.body, answer.values("link")) == (200, b"ok", [])
