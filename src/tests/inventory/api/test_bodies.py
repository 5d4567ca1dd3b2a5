"""Request bodies: a single, strictly parsed JSON object in UTF-8, of limited size, with the right content type."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.malformed_bodies import MALFORMED
from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

JSON = "application/json"
LIMIT = 65536


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    return environ | getattr(request, "param", {})


def padded(size: int, body: bytes = b'{"name": "Car1"}') -> bytes:
    return body + b" " * (size - len(body))


def send_chunked(client: FlaskClient, body: bytes) -> TestResponse:
    """Post a body without Content-Length, as WSGI servers pass chunked bodies to the application."""
    return client.post(
        "/api/cars",
        input_stream=BytesIO(body),
        content_type=JSON,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


@table_driven("body", MALFORMED.values(), ids=MALFORMED)
def test_a_body_that_is_not_one_strict_json_object_is_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], body: bytes
) -> None:
    with nothing_changes():
        refused(client.post("/api/cars", data=body, content_type=JSON), 400, "malformed_body")


def test_a_byte_order_mark_is_named(client: FlaskClient, refused: Callable[..., Any]) -> None:
    response = client.post("/api/cars", data='{"name": "Car1"}'.encode("utf-8-sig"), content_type=JSON)
    assert "byte order mark (BOM)" in refused(response, 400, "malformed_body")["detail"]


def nested(levels: int) -> bytes:
    inside = b"[" * (levels - 2) + b"]" * (levels - 2)
    return b'{"from_infinity": true, "to_infinity": true, "dump": {"a": ' + inside + b"}}"


def test_nesting_is_allowed_up_to_32_levels(client: FlaskClient, car: str) -> None:
    response = client.post(f"{car}/allocations", data=nested(32), content_type=JSON)
    assert response.status_code == 201
    assert client.get(response.headers["Location"]).json["dump"] == json.loads(nested(32))["dump"]


def test_nesting_past_32_levels_is_refused(
    client: FlaskClient, car: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any]
) -> None:
    with nothing_changes():
        refused(client.post(f"{car}/allocations", data=nested(33), content_type=JSON), 400, "malformed_body")


@pytest.mark.parametrize("description", ["[" * 100, "}" * 100, '"' * 50, "\\" * 50])
def test_brackets_and_quotes_in_a_string_are_not_counted_as_nesting(
    car: str, allocate: Callable[..., TestResponse], description: str
) -> None:
    assert allocate(car, None, None, description=description).json["description"] == description


@pytest.mark.through_gateway
@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 0])
def test_64_bit_integers_are_returned_exactly(client: FlaskClient, register: Callable[..., str], number: int) -> None:
    assert client.get(register("Car1", attributes={"a": number})).json["attributes"] == {"a": number}


@pytest.mark.through_gateway
@pytest.mark.parametrize("literal", [b'"\\ud83d\\ude97"', '"🚗"'.encode()], ids=["escaped pair", "utf-8"])
def test_characters_beyond_the_basic_plane_are_accepted(client: FlaskClient, literal: bytes) -> None:
    response = client.post("/api/cars", data=b'{"name": ' + literal + b"}", content_type=JSON)
    assert (response.status_code, response.json["name"]) == (201, "🚗")


@pytest.mark.through_gateway
@pytest.mark.parametrize(
    "content_type",
    [JSON, "Application/JSON", f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", f'{JSON}; charset="utf-8"'],
)
def test_a_json_content_type_is_accepted(client: FlaskClient, content_type: str) -> None:
    assert client.post("/api/cars", data=b'{"name": "Car1"}', content_type=content_type).status_code == 201


@pytest.mark.through_gateway
@table_driven(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "application/merge-patch+json",
        f"{JSON}; charset=utf-16",
        f"{JSON}; charset=latin-1",
        "json",
        "*/*",
    ],
)
def test_another_content_type_is_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], content_type: str | None
) -> None:
    with nothing_changes():
        response = client.post("/api/cars", data=b'{"name": "Car1"}', content_type=content_type)
        refused(response, 415, "unsupported_media_type")


@pytest.mark.through_gateway
def test_a_body_of_exactly_64_kib_is_accepted(client: FlaskClient) -> None:
    assert client.post("/api/cars", data=padded(LIMIT), content_type=JSON).status_code == 201


@pytest.mark.through_gateway
@table_driven("coding", ["gzip, chunked", "gzip", "identity", "chunked, chunked", '"a",' * 8000])
def test_a_transfer_coding_other_than_chunked_is_refused(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], coding: str
) -> None:
    environ = {"HTTP_TRANSFER_ENCODING": coding, "wsgi.input_terminated": True}
    with nothing_changes():
        response = client.post("/api/cars", data=b'{"name": "Car1"}', content_type=JSON, environ_overrides=environ)
        refused(response, 400, "malformed_body")


@pytest.mark.through_gateway
def test_a_chunked_body_of_exactly_64_kib_is_accepted(client: FlaskClient) -> None:
    assert send_chunked(client, padded(LIMIT)).status_code == 201


@pytest.mark.through_gateway
@table_driven("size", [LIMIT + 1, 10 * LIMIT])
def test_a_longer_body_is_refused_with_and_without_content_length(
    client: FlaskClient, refused: Callable[..., Any], nothing_changes: Callable[..., Any], size: int
) -> None:
    with nothing_changes():
        refused(client.post("/api/cars", data=padded(size), content_type=JSON), 413, "body_too_large")
        refused(send_chunked(client, padded(size)), 413, "body_too_large")


@pytest.mark.through_gateway
@pytest.mark.parametrize("environ", [{"INVSYS_API_MAX_BODY": "2000"}], indirect=True, ids=["2000 bytes"])
def test_the_maximum_body_size_is_a_setting(client: FlaskClient, refused: Callable[..., Any]) -> None:
    refused(client.post("/api/cars", data=padded(2001), content_type=JSON), 413, "body_too_large")
    assert client.post("/api/cars", data=padded(2000), content_type=JSON).status_code == 201
