"""Problem answers: every failure in one form, with TESTING off as callers meet it."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask, abort, redirect
from flask.testing import FlaskClient
from marshmallow import Schema, ValidationError, fields
from werkzeug import exceptions
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from invsys.chassis.http import problems, request_id

NAMESPACE = "{urn:ietf:rfc:7807}"

Raising = Callable[[Exception], TestResponse]


class Taken(problems.Problem):
    status, code, title = 409, "taken", "It is taken"


class OvenAway(problems.Unavailable):
    code, title = "oven_away", "The oven is away"


@pytest.fixture
def app() -> Flask:
    app = Flask("tiny", static_folder=None)
    request_id.register(app)
    problems.register(app)
    app.add_url_rule("/only-get", view_func=lambda: "", methods=["GET"])
    app.add_url_rule("/folder/", view_func=lambda: "inside", endpoint="folder")
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def answer_to(app: Flask) -> Callable[..., TestResponse]:
    """The answer of a view that raises."""

    def answer_to(error: Exception, **headers: str) -> TestResponse:
        def view() -> str:
            raise error

        app.add_url_rule("/", "raising", view)
        return app.test_client().get("/", headers=headers)

    return answer_to


def document(answer: TestResponse, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = answer.get_json()
    assert body["status"] == status
    assert body["type"] == f"/docs/problems/{body['code']}"
    assert body["title"]
    assert isinstance(body["detail"], str)
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


OF_WERKZEUG = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, HTTPException) and kind.code is not None
]


@pytest.mark.parametrize("kind", OF_WERKZEUG)
def test_every_exception_of_werkzeug_is_answered_with_its_status(answer_to: Raising, kind: type[HTTPException]) -> None:
    body = document(answer_to(kind()), kind.code or 0)
    assert body["detail"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed_body"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (500, "internal_error"),
        (418, "http_418"),
        (505, "http_505"),
    ],
)
def test_a_code_is_a_word_that_callers_can_rely_on(answer_to: Raising, status: int, code: str) -> None:
    assert document(answer_to(exceptions.default_exceptions[status]()), status)["code"] == code


# RFC 9110: a 401 must have its challenge (15.5.2); without their headers the others lose what they are for.
@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (exceptions.MethodNotAllowed(["GET"]), "Allow", "GET"),
        (
            exceptions.Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "a b"})),
            "WWW-Authenticate",
            'Basic realm="a b"',
        ),
        (exceptions.RequestedRangeNotSatisfiable(length=10), "Content-Range", "bytes */10"),
        (exceptions.TooManyRequests(retry_after=7), "Retry-After", "7"),
        (exceptions.ServiceUnavailable(retry_after=7), "Retry-After", "7"),
        (OvenAway("Away.", retry_after=7), "Retry-After", "7"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_an_exception_has_to_say_in_headers_is_said(
    answer_to: Raising, error: Exception, header: str, value: str
) -> None:
    assert answer_to(error).headers.getlist(header) == [value]


def test_flasks_own_refusals_are_answered_in_the_same_form(client: FlaskClient) -> None:
    assert document(client.get("/nowhere"), 404)["code"] == "not_found"
    refused = client.post("/only-get")
    assert document(refused, 405)["code"] == "method_not_allowed"
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), KeyError("secret"), ValueError(), exceptions.InternalServerError("secret")]
)
def test_whatever_else_goes_wrong_is_500_without_its_text(answer_to: Raising, error: Exception) -> None:
    answer = answer_to(error)
    assert document(answer, 500)["code"] == "internal_error"
    assert not any(word in answer.text for word in ("secret", "Traceback", type(error).__name__, ".py"))


@pytest.mark.parametrize("path", ["/folder", "/redirecting", "/aborting"])
def test_redirects_pass(app: Flask, path: str) -> None:
    app.add_url_rule("/redirecting", view_func=lambda: redirect("/folder/"), endpoint="redirecting")
    app.add_url_rule("/aborting", view_func=lambda: abort(redirect("/folder/")), endpoint="aborting")
    answer = app.test_client().get(path)
    assert answer.status_code in (302, 308)
    assert answer.location.endswith("/folder/")
    assert app.test_client().get(path, follow_redirects=True).text == "inside"


def test_an_answer_that_a_view_aborts_with_passes(answer_to: Raising) -> None:
    answer = answer_to(HTTPException(response=Response("mine", 499)))
    assert (answer.status_code, answer.text) == (499, "mine")


def test_a_problem_says_what_it_was_raised_with(answer_to: Raising) -> None:
    answer = answer_to(Taken("By Ann.", {"X-By": "Ann"}, since=3))
    body = document(answer, 409)
    assert (body["code"], body["title"], body["detail"], body["since"]) == ("taken", "It is taken", "By Ann.", 3)
    assert answer.headers["X-By"] == "Ann"


class Wheel(Schema):
    size = fields.Integer(required=True)


class Vehicle(Schema):
    wheels = fields.List(fields.Nested(Wheel))
    attributes = fields.Dict(fields.String(), fields.Integer())


INTEGER = "Not a valid integer."


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"colour": 1}, {"colour": ["Unknown field."]}),
        ({"wheels": 1}, {"wheels": ["Not a valid list."]}),
        ({"wheels": [{"size": 1}, {"size": "x"}]}, {"wheels": [f"1: size: {INTEGER}"]}),
        (
            {"wheels": [{}, 1]},
            {"wheels": ["0: size: Missing data for required field.", "1: _schema: Invalid input type."]},
        ),
        ({"attributes": {"a": "x", "b": 1}}, {"attributes": [f"a: value: {INTEGER}"]}),
        ({"attributes": {"a": "x"}, "b": 1}, {"attributes": [f"a: value: {INTEGER}"], "b": ["Unknown field."]}),
    ],
)
def test_messages_are_listed_under_the_field_however_deep_they_were(
    app: Flask, sent: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    app.add_url_rule("/", "load", lambda: Vehicle().load(sent))
    body = document(app.test_client().get("/"), 422)
    assert (body["code"], body["errors"]) == ("invalid_fields", errors)
    assert all(name in body["detail"] for name in errors)


# The ways in which marshmallow lets one raise by hand.
@pytest.mark.parametrize(
    ("error", "errors"),
    [
        (ValidationError({"a": ["Bad."]}), {"a": ["Bad."]}),
        (ValidationError({"a": "Bad."}), {"a": ["Bad."]}),
        (ValidationError("Bad.", "a"), {"a": ["Bad."]}),
        (ValidationError("Bad."), {"_schema": ["Bad."]}),
    ],
    ids=repr,
)
def test_a_message_raised_by_hand_is_listed_too(
    answer_to: Raising, error: ValidationError, errors: dict[str, list[str]]
) -> None:
    assert document(answer_to(error), 422)["errors"] == errors


def test_a_list_in_an_xml_problem_is_made_of_i(answer_to: Callable[..., TestResponse]) -> None:
    """RFC 9457, appendix B: an element with nothing but ``<i>`` in it is an array."""
    answer = answer_to(Taken("Twice.", conflicts=[{"id": 1}, {"id": 2}]), Accept="application/xml")
    assert answer.mimetype == "application/problem+xml"
    [conflicts] = ET.fromstring(answer.data).iter(f"{NAMESPACE}conflicts")
    assert [child.tag for child in conflicts] == [f"{NAMESPACE}i"] * 2


@pytest.mark.parametrize(
    ("length", "mimetype"), [(1000, "application/problem+xml"), (1001, "application/problem+json")]
)
@pytest.mark.parametrize("padding", [" ", ",", "a/b,"])
def test_an_accept_of_over_1000_characters_is_not_parsed(
    answer_to: Callable[..., TestResponse], length: int, mimetype: str, padding: str
) -> None:
    accept = f"application/xml,{padding * length}"[:length]
    assert answer_to(exceptions.NotFound(), Accept=accept).mimetype == mimetype


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_caches_are_told_that_a_problem_depends_on_accept(answer_to: Callable[..., TestResponse], accept: str) -> None:
    assert "Accept" in answer_to(exceptions.NotFound(), Accept=accept).headers.get("Vary", "")
