"""CORS: no origin by default, configured origins matched exactly, and never with credentials."""

import pytest

from tests.gateway.conftest import as_client
from tests.support.front_door import ALL_SCOPES
from tests.support.raw_upstream import respond_with
from tests.support.tables import table_driven

STAFF = "https://staff.example"
ALLOW = "Access-Control-Allow-Origin"
EXPOSED_HEADERS = {
    "etag",
    "link",
    "location",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-request-id",
}
# Similar to the configured origin, but different.
OTHER_ORIGINS = [
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


def cors_headers(response):
    return {name for name, _ in response.headers if name.lower().startswith("access-control-")}


@pytest.fixture
def new_client(build_from_ini, upstream, add_client):
    """Return a function that creates a client of a gateway that allows the given origins."""

    def new_client(origins=None, *scopes, **limits):
        key = add_client("booking", *(scopes or ALL_SCOPES))
        sections = {"services": {"inventory": upstream.url}, "limits": limits}
        return as_client(build_from_ini(sections, {} if origins is None else {"cors": {"origins": origins}}), key)

    return new_client


def preflight(client, origin, path="/api/cars", method="POST", headers="authorization, content-type, if-match"):
    request_headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    # Browsers send preflight requests without credentials.
    return client.application.test_client().options(path, headers=request_headers)


def words(response, name):
    return {word.strip().lower() for word in response.headers.get(name, "").split(",") if word.strip()}


@pytest.mark.parametrize("origins", [None, ""])
@pytest.mark.parametrize("origin", [STAFF, "null", "http://localhost", "http://127.0.0.1:5001"])
def test_no_origin_is_allowed_by_default(new_client, origins, origin):
    client = new_client(origins)
    for response in (client.get("/api/cars", headers={"Origin": origin}), preflight(client, origin)):
        assert cors_headers(response) == set()


def test_a_configured_origin_is_allowed(new_client):
    response = new_client(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert (response.status_code, response.data) == (200, b"ok")
    assert response.headers.getlist(ALLOW) == [STAFF]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert words(response, "Access-Control-Expose-Headers") >= EXPOSED_HEADERS
    assert "origin" in words(response, "Vary")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_preflight_request_needs_no_key(new_client, upstream, method):
    path = "/api/cars" if method in ("GET", "POST") else "/api/cars/6f1cd4ef-6f3b-4b2e-8a38-2c9f1f0a7a11"
    response = preflight(new_client(STAFF), STAFF, path, method)
    assert response.status_code in (200, 204)
    assert response.headers.getlist(ALLOW) == [STAFF]
    assert method in response.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert words(response, "Access-Control-Allow-Headers") >= {"authorization", "content-type", "if-match"}
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "origin" in words(response, "Vary")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "header",
    ["authorization", "content-type", "accept", "if-match", "if-none-match", "idempotency-key", "x-request-id"],
)
def test_the_headers_of_the_api_are_allowed(new_client, header):
    response = preflight(new_client(STAFF), STAFF, headers=header)
    assert header in words(response, "Access-Control-Allow-Headers")


@pytest.mark.parametrize("header", ["x-client-id", "x-client-sees", "x-forwarded-for", "cookie", "x-unknown"])
def test_other_headers_are_not_allowed(new_client, header):
    response = preflight(new_client(STAFF), STAFF, headers=f"authorization, {header}")
    assert header not in words(response, "Access-Control-Allow-Headers")


@pytest.mark.parametrize(("length", "allowed"), [(1000, {"authorization"}), (1001, set())])
def test_a_header_list_of_more_than_1000_characters_is_ignored(new_client, length, allowed):
    response = preflight(new_client(STAFF), STAFF, headers=f"authorization{',' * length}"[:length])
    assert words(response, "Access-Control-Allow-Headers") == allowed


@pytest.fixture
def staff_client(new_client):
    """A client of a gateway that allows STAFF."""
    return new_client(STAFF)


@table_driven("origin", OTHER_ORIGINS)
def test_a_similar_origin_is_not_allowed(staff_client, origin):
    for response in (staff_client.get("/api/cars", headers={"Origin": origin}), preflight(staff_client, origin)):
        assert ALLOW not in response.headers
        assert "Access-Control-Allow-Credentials" not in response.headers


def test_each_of_several_origins_gets_its_own_header(new_client):
    client = new_client(f"{STAFF}, http://localhost:3000")
    for origin in (STAFF, "http://localhost:3000"):
        assert client.get("/api/cars", headers={"Origin": origin}).headers.getlist(ALLOW) == [origin]
    assert ALLOW not in client.get("/api/cars", headers={"Origin": "http://localhost"}).headers


def test_an_ipv6_origin_is_not_interpreted_as_a_pattern(new_client):
    client = new_client("http://[::1]:3000")
    assert client.get("/api/cars", headers={"Origin": "http://[::1]:3000"}).headers.get(ALLOW) == "http://[::1]:3000"
    for similar in ("http://1:3000", "http://::3000", "http://1:30000"):
        assert ALLOW not in client.get("/api/cars", headers={"Origin": similar}).headers


def test_a_response_without_an_origin_varies_by_origin(new_client):
    response = new_client(STAFF).get("/api/cars")
    assert response.headers.get(ALLOW) in (None, STAFF)
    assert "origin" in words(response, "Vary") or ALLOW not in response.headers


def check_readable(response, status):
    """Check the status of a response, and that a web page from the allowed origin can read it."""
    assert response.status_code == status
    assert response.headers.getlist(ALLOW) == [STAFF]
    assert words(response, "Access-Control-Expose-Headers") >= EXPOSED_HEADERS
    assert "origin" in words(response, "Vary")


def test_a_page_can_read_a_401(new_client):
    client = new_client(STAFF).application.test_client()
    check_readable(client.get("/api/cars", headers={"Origin": STAFF}), 401)


def test_a_page_can_read_a_403(new_client):
    check_readable(new_client(STAFF, "resources:read").post("/api/cars", headers={"Origin": STAFF}), 403)


def test_a_page_can_read_a_404(new_client):
    client = new_client(STAFF)
    check_readable(client.get("/api/no/such/path/at/all", headers={"Origin": STAFF}), 404)
    check_readable(client.get("/api//cars", headers={"Origin": STAFF}), 404)


def test_a_page_can_read_a_429(new_client):
    client = new_client(STAFF, rate="1/hour")
    client.get("/api/cars")
    response = client.get("/api/cars", headers={"Origin": STAFF})
    check_readable(response, 429)
    assert int(response.headers["Retry-After"]) >= 1


def test_a_page_can_read_a_502(new_client, upstream):
    client = new_client(STAFF)
    upstream.respond = respond_with(then="close")
    check_readable(client.get("/api/cars", headers={"Origin": STAFF}), 502)


@pytest.mark.parametrize("line", [b"Access-Control-Allow-Origin: *", b"Access-Control-Allow-Credentials: true"])
def test_the_cors_headers_of_the_service_are_ignored(new_client, upstream, line):
    upstream.respond = respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + b"\r\n\r\nok")
    response = new_client(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert response.headers.getlist(ALLOW) == [STAFF]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_the_vary_of_the_service_is_kept(new_client, upstream):
    upstream.respond = respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVary: Accept\r\n\r\nok")
    response = new_client(STAFF).get("/api/cars", headers={"Origin": STAFF})
    assert words(response, "Vary") >= {"accept", "origin"}
