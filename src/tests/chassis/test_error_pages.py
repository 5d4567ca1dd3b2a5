"""Error pages: browsers get HTML with the status of the problem document that programs get."""

import pytest
from flask import Flask
from marshmallow import ValidationError

from invsys.chassis import documentation
from invsys.chassis.http import problems, request_id
from tests.support.tables import table_driven

BROWSERS = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "text/html",
    "text/html;charset=utf-8, application/json;q=0.9",
]
PROGRAMS = [
    None,
    "",
    "*/*",
    "application/json",
    "application/json, text/html",
    "text/*",
    "text/html;q=0",
    "text/html;q=0.5, application/json",
    "text/css,*/*;q=0.1",
    f"text/html{' ' * 28_000}",
]
MARKUP = "<script>alert(1)</script>"


class OutOfOrder(problems.Unavailable):
    code, title = "out_of_order", "The oven is out of order"


@pytest.fixture
def app():
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    problems.register(app)
    documentation.register(app, home="/")
    errors = {
        "/busy": OutOfOrder("The oven is too hot.", 7),
        "/fields": ValidationError({MARKUP: ["No such parameter."]}),
        "/markup": problems.NotFound(MARKUP),
        "/broken": RuntimeError("secret"),
        "/api/busy": OutOfOrder("The oven is too hot."),
    }
    for path, error in errors.items():
        app.add_url_rule(path, path.replace("/", "_"), raising(error))
    return app


def raising(error):
    def view():
        raise error

    return view


@pytest.fixture
def get(app):
    def get(path, accept=BROWSERS[0], method="GET"):
        return app.test_client().open(path, method=method, headers={} if accept is None else {"Accept": accept})

    return get


def page(response, status):
    assert (response.status_code, response.mimetype) == (status, "text/html"), response.text
    assert response.headers["Vary"] == "Accept"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "<script" not in response.text
    return " ".join(response.text.split())


@table_driven("accept", BROWSERS)
def test_a_browser_gets_a_page_in_plain_words(get, accept):
    response = get("/unknown", accept)
    text = page(response, 404)
    assert "<h1>There is nothing here</h1>" in text
    assert '<a href="/">Start again at the first page</a>' in text
    assert response.headers["X-Request-Id"] in text
    assert '<a href="/docs/problems/not_found">not_found</a>' in text


@table_driven("accept", PROGRAMS)
def test_a_program_gets_a_problem_document(get, accept):
    response = get("/unknown", accept)
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert response.headers["Vary"] == "Accept"


def test_a_program_that_prefers_xml_gets_xml(get):
    assert get("/unknown", "application/xml, text/html;q=0.9").mimetype == "application/problem+xml"


@table_driven("path", ["/api", "/api/", "/api/unknown", "/api/busy"])
def test_the_api_answers_browsers_as_it_answers_programs(get, path):
    assert get(path).mimetype == "application/problem+json"
    assert get("/apis").mimetype == "text/html"


def test_the_page_has_the_headers_of_the_problem(get):
    assert get("/busy").headers["Retry-After"] == "7"
    assert "The oven is too hot." in page(get("/busy"), 503)
    response = get("/busy", method="POST")
    assert page(response, 405).count("Nothing was changed.") == 1
    assert "GET" in response.headers["Allow"]


def test_texts_of_the_caller_are_escaped_and_internals_are_not_shown(get):
    for path, status in (("/fields", 422), ("/markup", 404)):
        assert "&lt;script&gt;" in page(get(path), status)
    assert "secret" not in page(get("/broken"), 500)


def test_head_has_the_headers_of_get(get):
    response = get("/unknown", method="HEAD")
    assert (response.status_code, response.mimetype, response.data) == (404, "text/html", b"")


def test_without_a_first_page_nothing_links_to_it():
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    problems.register(app)
    documentation.register(app)
    response = app.test_client().get("/", headers={"Accept": BROWSERS[0]})
    assert 'href="/"' not in page(response, 404)
