"""The problem pages: each problem class of any service has a page with its docstring and attributes."""

import html
import re

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.chassis import documentation
from invsys.chassis.http import problems, request_id
from tests.support.tables import table_driven


class ExampleProblem(problems.Problem):
    """The oven is <cold>.

    It was ``off``
    all night.
    """

    status, code, title = 409, "oven_off", "The oven & its door"
    additional_data = "``since``: when it was <b>switched off</b>."
    advice = "Switch it on with ``{{ 7 * 7 }}``."


class WithoutText(problems.Problem):
    status, code, title = 429, "without_text", "No words"


class InheritsCode(ExampleProblem):
    """A problem class that inherits its code."""


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    problems.register(app)
    documentation.register(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def text(response: TestResponse) -> str:
    assert (response.status_code, response.mimetype) == (200, "text/html"), response.text
    return " ".join(response.text.split())


def test_each_problem_class_has_a_page(client: FlaskClient) -> None:
    page = text(client.get("/docs/problems/oven_off"))
    for fragment in (
        "409",
        "<code>oven_off</code>",
        "<h1>The oven &amp; its door</h1>",
        "<p>The oven is &lt;cold&gt;.</p> <p>It was <code>off</code> all night.</p>",
        "<p><code>since</code>: when it was &lt;b&gt;switched off&lt;/b&gt;.</p>",
        "<p>Switch it on with <code>{{ 7 * 7 }}</code>.</p>",
        "<p>No: ",
    ):
        assert fragment in page
    assert '<a href="/docs/problems/oven_off"><code>oven_off</code></a>' in client.get("/docs/problems").text


def test_a_class_without_docstring_and_advice_has_a_page(client: FlaskClient) -> None:
    page = text(client.get("/docs/problems/without_text"))
    assert "None, only those of every problem document." in page
    assert "<p>Yes, " in page


@table_driven(
    ("status", "verdict"),
    [*((status, "<p>Yes, ") for status in (429, 502, 503, 504)), (409, "<p>No: "), (413, "<p>No: ")],
)
def test_a_retry_is_recommended_if_it_may_succeed_without_a_change(
    client: FlaskClient, status: int, verdict: str
) -> None:
    assert f"<h2>Is it worth a retry?</h2> {verdict}" in text(client.get(f"/docs/problems/http_{status}"))


@table_driven("code", ["internal_error", "http_500", "http_505"])
def test_the_pages_of_internal_errors_do_not_mention_a_retry(client: FlaskClient, code: str) -> None:
    assert "retry?" not in text(client.get(f"/docs/problems/{code}"))


def test_base_classes_without_a_code_are_not_listed(client: FlaskClient) -> None:
    assert ">unavailable<" not in client.get("/docs/problems").text
    assert client.get("/docs/problems/unavailable").status_code == 404


@pytest.mark.parametrize("status", [401, 416, 418, 429, 505])
def test_an_http_status_without_its_own_code_has_a_page(app: Flask, status: int) -> None:
    app.add_url_rule("/failing", view_func=lambda: abort(status))
    client = app.test_client()
    problem = client.get("/failing").json
    assert problem is not None
    assert f"<h1>{problem['title']}</h1>" in html.unescape(text(client.get(problem["type"])))
    assert problem["code"] not in re.findall("<code>(http_[0-9]+)</code></a>", client.get("/docs/problems").text)


@table_driven(
    "path",
    [
        "problems/unknown",
        "problems/http_200",
        "problems/http_999",
        "problems/http_",
        "problems/None",
        "problems/Oven_off",
        "problems/oven_off/",
        "problems/%00",
        "problems/%ff",
        "problems/..",
        "../",
        "static/../__init__.py",
        "static/%2e%2e%2f__init__.py",
        "static/",
        "static/unknown.css",
        "",
    ],
)
def test_other_paths_are_not_found(client: FlaskClient, path: str) -> None:
    response = client.get(f"/docs/{path}")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    assert response.json is not None
    assert response.json["code"] == "not_found"


def test_without_an_openapi_document_there_is_no_link_to_swagger_ui(client: FlaskClient) -> None:
    assert 'href="/docs"' not in client.get("/docs/problems").text
    assert client.get("/docs").status_code == 404
