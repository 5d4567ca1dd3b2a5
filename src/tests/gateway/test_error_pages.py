"""Browsers get error pages from the gateway and, through it, from the inventory; programs get problem documents."""

from tests.support.refusals import refused
from tests.support.tables import table_driven

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
CLIENTS = {"staff": "resources:read", "mover": "resources:write"}


def page(response, status, heading):
    assert (response.status_code, response.mimetype) == (status, "text/html"), response.text
    assert f"<h1>{heading}</h1>" in response.text
    assert response.headers["X-Request-Id"] in response.text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert '<a href="/">' in response.text


@table_driven(
    ("client", "method", "path", "status", "heading"),
    [
        (None, "GET", "/unknown", 401, "This page needs a key"),
        (None, "GET", "/table", 401, "This page needs a key"),
        ("mover", "GET", "/table", 403, "You may not see this"),
        ("staff", "GET", "/unknown", 404, "There is nothing here"),
        ("staff", "GET", "/docs/problems/unknown", 404, "There is nothing here"),
        ("staff", "POST", "/table", 405, "This does not work here"),
    ],
)
def test_a_browser_gets_a_page_with_the_status_that_a_program_gets(system, client, method, path, status, heading):
    page(system.call(client, method, path, BROWSER), status, heading)
    assert system.call(client, method, path).mimetype == "application/problem+json"


def test_the_api_answers_browsers_with_json(system):
    for client, path, status, code in (
        (None, "/api/cars", 401, "unauthenticated"),
        ("mover", "/api/cars", 403, "forbidden"),
        ("staff", "/api/unknown", 404, "not_found"),
    ):
        refused(system.call(client, "GET", path, BROWSER), status, code)


def test_a_list_with_invalid_parameters_is_a_page(system):
    response = system.call("staff", "GET", "/table?day=tomorrow", BROWSER)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "“day” was ignored." in response.text


def test_the_gateway_shows_a_page_if_the_service_cannot_be_reached(build_gateway):
    client = build_gateway("http://127.0.0.1:9").test_client()
    page(client.get("/", headers=BROWSER), 502, "The service cannot be reached")
    # The style sheet of the error page comes from the gateway itself.
    with client.get("/docs/static/docs.css") as response:
        assert response.status_code == 200
