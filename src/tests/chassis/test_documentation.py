"""The problem pages: what a class of problems says of itself is its page, in whatever service it stands."""

import html
import re

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from invsys.chassis import documentation
from invsys.chassis.http import problems, request_id


class OvenOff(problems.Problem):
    """The oven is <cold>.

    It was ``off``
    all night.
    """

    status, code, title = 409, "oven_off", "The oven & its door"
    adds = "``since``: when it was <b>switched off</b>."
    advice = "Switch it on with ``{{ 7 * 7 }}``."


class SaysNothing(problems.Problem):
    status, code, title = 429, "says_nothing", "No words"


class OvenOffAgain(OvenOff):
    """A problem without a code of its own."""


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


def text(answer: TestResponse) -> str:
    assert (answer.status_code, answer.mimetype) == (200, "text/html"), answer.text
    return " ".join(answer.text.split())


def test_a_class_has_its_page_as_soon_as_it_stands_there(client: FlaskClient) -> None:
    page = text(client.get("/docs/problems/oven_off"))
    for told in (
        "409",
        "<code>oven_off</code>",
        "<h1>The oven &amp; its door</h1>",
        "<p>The oven is &lt;cold&gt;.</p> <p>It was <code>off</code> all night.</p>",
        "<p><code>since</code>: when it was &lt;b&gt;switched off&lt;/b&gt;.</p>",
        "<p>Switch it on with <code>{{ 7 * 7 }}</code>.</p>",
        "<p>No: ",
    ):
        assert told in page
    assert '<a href="/docs/problems/oven_off"><code>oven_off</code></a>' in client.get("/docs/problems").text


def test_a_class_that_says_nothing_has_a_page_too(client: FlaskClient) -> None:
    page = text(client.get("/docs/problems/says_nothing"))
    assert "None, only those of every problem document." in page
    assert "<p>Yes, " in page


@pytest.mark.parametrize(
    ("status", "said"), [*((status, "<p>Yes, ") for status in (429, 502, 503, 504)), (409, "<p>No: "), (413, "<p>No: ")]
)
def test_worth_a_retry_is_what_may_go_well_without_a_change(client: FlaskClient, status: int, said: str) -> None:
    assert f"<h2>Is it worth a retry?</h2> {said}" in text(client.get(f"/docs/problems/http_{status}"))


@pytest.mark.parametrize("code", ["internal_error", "http_500", "http_505"])
def test_of_our_own_faults_nobody_knows_whether_a_retry_is_worth_it(client: FlaskClient, code: str) -> None:
    assert "retry?" not in text(client.get(f"/docs/problems/{code}"))


def test_no_code_is_listed_that_no_answer_has(client: FlaskClient) -> None:
    assert ">unavailable<" not in client.get("/docs/problems").text
    assert client.get("/docs/problems/unavailable").status_code == 404


@pytest.mark.parametrize("status", [401, 416, 418, 429, 505])
def test_a_failure_without_a_name_of_ours_has_a_page(app: Flask, status: int) -> None:
    app.add_url_rule("/failing", view_func=lambda: abort(status))
    client = app.test_client()
    failed = client.get("/failing").json
    assert failed is not None
    assert f"<h1>{failed['title']}</h1>" in html.unescape(text(client.get(failed["type"])))
    assert failed["code"] not in re.findall("<code>(http_[0-9]+)</code></a>", client.get("/docs/problems").text)


@pytest.mark.parametrize(
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
def test_whatever_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/docs/{path}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.json is not None
    assert answer.json["code"] == "not_found"


def test_a_service_without_a_document_has_no_link_to_one(client: FlaskClient) -> None:
    assert 'href="/docs"' not in client.get("/docs/problems").text
    assert client.get("/docs").status_code == 404
