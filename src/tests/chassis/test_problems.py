"""Problem documents: the same format for every error, with TESTING off as in production."""

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


class ExampleUnavailable(problems.Unavailable):
    code, title = "oven_away", "The oven is unavailable"


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
def response_to(app: Flask) -> Callable[..., TestResponse]:
    """Return a function that raises an exception in a view and returns the response."""

    def response_to(error: Exception, **headers: str) -> TestResponse:
        def view() -> str:
            raise error

        app.add_url_rule("/", "raising", view)
        return app.test_client().get("/", headers=headers)

    return response_to


def document(response: TestResponse, status: int) -> dict[str, Any]:
    assert (response.status_code, response.mimetype) == (status, "application/problem+json"), response.text
    body: dict[str, Any] = response.get_json()
    assert body["status"] == status
    assert body["type"] == f"/docs/problems/{body['code']}"
    assert body["title"]
    assert isinstance(body["detail"], str)
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


WERKZEUG_EXCEPTIONS = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, HTTPException) and kind.code is not None
]


@pytest.mark.parametrize("kind", WERKZEUG_EXCEPTIONS)
def test_every_werkzeug_exception_is_returned_with_its_status(response_to: Raising, kind: type[HTTPException]) -> None:
    body = document(response_to(kind()), kind.code or 0)
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
def test_each_status_has_a_stable_code(response_to: Raising, status: int, code: str) -> None:
    assert document(response_to(exceptions.default_exceptions[status]()), status)["code"] == code


# RFC 9110, section 15.5.2, requires the challenge of a 401; the other responses are useless without their headers.
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
        (ExampleUnavailable("Away.", retry_after=7), "Retry-After", "7"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_headers_of_an_exception_are_sent(response_to: Raising, error: Exception, header: str, value: str) -> None:
    assert response_to(error).headers.getlist(header) == [value]


def test_the_errors_of_flask_have_the_same_format(client: FlaskClient) -> None:
    assert document(client.get("/nowhere"), 404)["code"] == "not_found"
    response = client.post("/only-get")
    assert document(response, 405)["code"] == "method_not_allowed"
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), KeyError("secret"), ValueError(), exceptions.InternalServerError("secret")]
)
def test_other_exceptions_are_500_without_their_text(response_to: Raising, error: Exception) -> None:
    response = response_to(error)
    assert document(response, 500)["code"] == "internal_error"
    assert not any(word in response.text for word in ("secret", "Traceback", type(error).__name__, ".py"))


@pytest.mark.parametrize("path", ["/folder", "/redirecting", "/aborting"])
def test_redirects_are_not_changed(app: Flask, path: str) -> None:
    app.add_url_rule("/redirecting", view_func=lambda: redirect("/folder/"), endpoint="redirecting")
    app.add_url_rule("/aborting", view_func=lambda: abort(redirect("/folder/")), endpoint="aborting")
    response = app.test_client().get(path)
    assert response.status_code in (302, 308)
    assert response.location.endswith("/folder/")
    assert app.test_client().get(path, follow_redirects=True).text == "inside"


def test_a_response_in_an_http_exception_is_not_changed(response_to: Raising) -> None:
    response = response_to(HTTPException(response=Response("mine", 499)))
    assert (response.status_code, response.text) == (499, "mine")


def test_a_problem_has_the_members_and_headers_of_its_instance(response_to: Raising) -> None:
    response = response_to(Taken("By Ann.", {"X-By": "Ann"}, since=3))
    body = document(response, 409)
    assert (body["code"], body["title"], body["detail"], body["since"]) == ("taken", "It is taken", "By Ann.", 3)
    assert response.headers["X-By"] == "Ann"


class Wheel(Schema):
    size = fields.Integer(required=True)


class Vehicle(Schema):
    wheels = fields.List(fields.Nested(Wheel))
    attributes = fields.Dict(fields.String(), fields.Integer())


INTEGER = "Not a valid integer."


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"colour": 1}, {"colour": ["Unknown field."]}),
        ({"wheels": 1}, {"wheels": ["Not a valid list."]}),
        ({"wheels": [{"size": 1}, {"size": "x"}]}, {"wheels.1.size": [INTEGER]}),
        (
            {"wheels": [{}, 1]},
            {"wheels.0.size": ["Missing data for required field."], "wheels.1": ["Invalid input type."]},
        ),
        ({"attributes": {"a": "x", "b": 1}}, {"attributes.a.value": [INTEGER]}),
        ({"attributes": {"a": "x"}, "b": 1}, {"attributes.a.value": [INTEGER], "b": ["Unknown field."]}),
    ],
)
def test_messages_of_nested_fields_are_listed_under_the_path_of_the_field(
    app: Flask, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    app.add_url_rule("/", "load", lambda: Vehicle().load(body))
    problem = document(app.test_client().get("/"), 422)
    assert (problem["code"], problem["errors"]) == ("invalid_fields", errors)
    assert all(name in problem["detail"] for name in errors)


# The forms of a ValidationError that our own code can raise, outside a schema.
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
def test_messages_that_code_raises_itself_are_listed(
    response_to: Raising, error: ValidationError, errors: dict[str, list[str]]
) -> None:
    assert document(response_to(error), 422)["errors"] == errors


def test_a_list_in_an_xml_problem_consists_of_i_elements(response_to: Callable[..., TestResponse]) -> None:
    """RFC 9457, appendix B: an element that contains only ``<i>`` elements is an array."""
    response = response_to(Taken("Twice.", conflicts=[{"id": 1}, {"id": 2}]), Accept="application/xml")
    assert response.mimetype == "application/problem+xml"
    [conflicts] = ET.fromstring(response.data).iter(f"{NAMESPACE}conflicts")
    assert [child.tag for child in conflicts] == [f"{NAMESPACE}i"] * 2


@pytest.mark.parametrize(
    ("length", "mimetype"), [(1000, "application/problem+xml"), (1001, "application/problem+json")]
)
@pytest.mark.parametrize("padding", [" ", ",", "a/b,"])
def test_an_accept_header_of_more_than_1000_characters_is_not_parsed(
    response_to: Callable[..., TestResponse], length: int, mimetype: str, padding: str
) -> None:
    accept = f"application/xml,{padding * length}"[:length]
    assert response_to(exceptions.NotFound(), Accept=accept).mimetype == mimetype


@pytest.mark.parametrize("accept", ["application/json", "application/xml"])
def test_vary_contains_accept(response_to: Callable[..., TestResponse], accept: str) -> None:
    assert "Accept" in response_to(exceptions.NotFound(), Accept=accept).headers.get("Vary", "")
