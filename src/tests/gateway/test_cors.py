"""Pages of other origins: none by default; those that are named, to the letter, and never with what a browser keeps."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import EVERYTHING
from tests.support.raw_upstream import says

STAFF = "https://staff.example"
ALLOW = "Access-Control-Allow-Origin"
EXPOSED = {
    "etag",
    "link",
    "location",
    "retry-after",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-request-id",
}
# None of them is the origin that is named.
TRICKS = [
    "null",
    "*",
    "https://staff.example.evil.example",
    "https://evilstaff.example",
    "https://staff.example:8443",
    "https://staff.example:443",
    "http://staff.example",
    "https://STAFF.example",
    "HTTPS://staff.example",
    "https://staff.example/",
    "https://staff.example/x",
    "https://staff.exampl",
    "https://staff1example",
    "https://staffXexample",
    "https://user@staff.example",
    "https://evil.example https://staff.example",
    "https://staff.example, https://evil.example",
    "https://staff.example#",
    "https://staff.example?",
    "https://staff.example%60.evil.example",
    "file://",
    "staff.example",
]


def cors(answer):
    return {name for name, _ in answer.headers if name.lower().startswith("access-control-")}


@pytest.fixture
def calling(built, upstream, key_of):
    """A caller of a gateway that lets pages of these origins in."""

    def calling(origins=None, *scopes, **limits):
        key = key_of("booking", *(scopes or EVERYTHING))
        sections = {"services": {"inventory": upstream.url}, "limits": limits}
        return as_client(built(sections, {} if origins is None else {"cors": {"origins": origins}}), key)

    return calling


def preflight(client, origin, path="/api/cars", method="POST", headers="authorization, content-type, if-match"):
    sent = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    # A browser sends no key with it.
    return client.application.test_client().options(path, headers=sent)


def words(answer, name):
    return {word.strip().lower() for word in answer.headers.get(name, "").split(",") if word.strip()}


@pytest.mark.parametrize("origins", [None, ""])
@pytest.mark.parametrize("origin", [STAFF, "null", "http://localhost", "http://127.0.0.1:5001"])
def test_nobody_is_let_in_by_default(calling, origins, origin):
    client = calling(origins)
    for answer in (client.get("/api/cars", headers={"Origin": origin}), preflight(client, origin)):
        assert cors(answer) == set()


def test_a_page_that_may_call_is_told_so(calling):
    answer = calling(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert (answer.status_code, answer.data) == (200, b"ok")
    assert answer.headers.getlist(ALLOW) == [STAFF]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert words(answer, "Access-Control-Expose-Headers") >= EXPOSED
    assert "origin" in words(answer, "Vary")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_browser_may_ask_before_without_a_key(calling, upstream, method):
    path = "/api/cars" if method in ("GET", "POST") else "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
    answer = preflight(calling(STAFF), STAFF, path, method)
    assert answer.status_code in (200, 204)
    assert answer.headers.getlist(ALLOW) == [STAFF]
    assert method in answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert words(answer, "Access-Control-Allow-Headers") >= {"authorization", "content-type", "if-match"}
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "origin" in words(answer, "Vary")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "header",
    ["authorization", "content-type", "accept", "if-match", "if-none-match", "idempotency-key", "x-request-id"],
)
def test_a_page_may_send_what_the_contract_names(calling, header):
    answer = preflight(calling(STAFF), STAFF, headers=header)
    assert header in words(answer, "Access-Control-Allow-Headers")


@pytest.mark.parametrize("header", ["x-client-id", "x-client-sees", "x-forwarded-for", "cookie", "x-made-up"])
def test_a_page_may_not_send_what_only_gateways_say(calling, header):
    answer = preflight(calling(STAFF), STAFF, headers=f"authorization, {header}")
    assert header not in words(answer, "Access-Control-Allow-Headers")


@pytest.mark.parametrize(("length", "allowed"), [(1000, {"authorization"}), (1001, set())])
def test_a_list_of_over_1000_characters_allows_no_header(calling, length, allowed):
    answer = preflight(calling(STAFF), STAFF, headers=f"authorization{',' * length}"[:length])
    assert words(answer, "Access-Control-Allow-Headers") == allowed


@pytest.mark.parametrize("origin", TRICKS)
def test_an_origin_that_is_only_alike_is_not_let_in(calling, origin):
    client = calling(STAFF)
    for answer in (client.get("/api/cars", headers={"Origin": origin}), preflight(client, origin)):
        assert ALLOW not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_of_several_origins_each_is_told_its_own(calling):
    client = calling(f"{STAFF}, http://localhost:3000")
    for origin in (STAFF, "http://localhost:3000"):
        assert client.get("/api/cars", headers={"Origin": origin}).headers.getlist(ALLOW) == [origin]
    assert ALLOW not in client.get("/api/cars", headers={"Origin": "http://localhost"}).headers


def test_an_origin_with_an_address_in_it_is_no_pattern(calling):
    client = calling("http://[::1]:3000")
    assert client.get("/api/cars", headers={"Origin": "http://[::1]:3000"}).headers.get(ALLOW) == "http://[::1]:3000"
    for alike in ("http://1:3000", "http://::3000", "http://1:30000"):
        assert ALLOW not in client.get("/api/cars", headers={"Origin": alike}).headers


def test_who_says_no_origin_gets_an_answer_that_caches_keep_apart(calling):
    answer = calling(STAFF).get("/api/cars")
    assert answer.headers.get(ALLOW) in (None, STAFF)
    assert "origin" in words(answer, "Vary") or ALLOW not in answer.headers


def check_readable(answer, status):
    """A page can read why it was refused."""
    assert answer.status_code == status
    assert answer.headers.getlist(ALLOW) == [STAFF]
    assert words(answer, "Access-Control-Expose-Headers") >= EXPOSED
    assert "origin" in words(answer, "Vary")


def test_a_page_can_read_that_it_is_not_known(calling):
    client = calling(STAFF).application.test_client()
    check_readable(client.get("/api/cars", headers={"Origin": STAFF}), 401)


def test_a_page_can_read_that_it_may_not(calling):
    check_readable(calling(STAFF, "resources:read").post("/api/cars", headers={"Origin": STAFF}), 403)


def test_a_page_can_read_that_there_is_nothing(calling):
    client = calling(STAFF)
    check_readable(client.get("/api/no/such/path/at/all", headers={"Origin": STAFF}), 404)
    check_readable(client.get("/api//cars", headers={"Origin": STAFF}), 404)


def test_a_page_can_read_that_it_asks_too_much(calling):
    client = calling(STAFF, rate="1/hour")
    client.get("/api/cars")
    answer = client.get("/api/cars", headers={"Origin": STAFF})
    check_readable(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_page_can_read_that_the_service_is_away(calling, upstream):
    client = calling(STAFF)
    upstream.answer = says(then="closes")
    check_readable(client.get("/api/cars", headers={"Origin": STAFF}), 502)


@pytest.mark.parametrize("line", [b"Access-Control-Allow-Origin: *", b"Access-Control-Allow-Credentials: true"])
def test_what_the_service_says_of_origins_does_not_count(calling, upstream, line):
    upstream.answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + b"\r\n\r\nok")
    answer = calling(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert answer.headers.getlist(ALLOW) == [STAFF]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_what_the_service_varies_by_is_still_said(calling, upstream):
    upstream.answer = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVary: Accept\r\n\r\nok")
    answer = calling(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert words(answer, "Vary") >= {"accept", "origin"}
