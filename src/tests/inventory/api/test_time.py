"""Date-times: the accepted formats, the format in responses, and the refused values."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

ACCEPTED = [
    ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00+00:00", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00-00:00", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00Z"),
    ("2026-11-20T10:00:00-05:30", "2026-11-20T15:30:00Z"),
    ("2026-11-20T10:00:00+14:00", "2026-11-19T20:00:00Z"),
    ("2026-11-20 10:00:00+01", "2026-11-20T09:00:00Z"),
    ("2026-11-20 10:00:00.25-03:30", "2026-11-20T13:30:00.250000Z"),
    ("2026-11-20T10:00:00+0530", "2026-11-20T04:30:00Z"),
    ("2026-11-20T10:00:00.5Z", "2026-11-20T10:00:00.500000Z"),
    ("2026-11-20T10:00:00.123Z", "2026-11-20T10:00:00.123000Z"),
    ("2026-11-20T10:00:00.123456Z", "2026-11-20T10:00:00.123456Z"),
    ("2026-11-20T10:00:00.000001", "2026-11-20T10:00:00.000001Z"),
    ("2026-11-20T10:00:00.999999+01:00", "2026-11-20T09:00:00.999999Z"),
    ("2026-11-20T10:00:00.000000Z", "2026-11-20T10:00:00Z"),
    ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
    ("2026-12-31T23:59:59-01:00", "2027-01-01T00:59:59Z"),
    ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
    ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ("9998-12-31T23:59:59.999999Z", "9998-12-31T23:59:59.999999Z"),
]

# Unusual date-times: only one of ISO 8601 and RFC 3339 allows them, or they have a leap second or an extreme offset, or
# they are in range only after the conversion to UTC. The service may refuse them, but must not misinterpret them.
OPTIONAL = [
    ("2026-11-20t10:00:00z", "2026-11-20T10:00:00Z"),
    ("2026-11-20 10:00:00Z", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00Z", "2026-11-20T10:00:00Z"),
    ("20261120T100000Z", "2026-11-20T10:00:00Z"),
    ("2026-W47-5T10:00:00Z", "2026-11-20T10:00:00Z"),
    ("2026-11-20T10:00:00,5Z", "2026-11-20T10:00:00.500000Z"),
    ("2026-11-20T24:00:00Z", "2026-11-21T00:00:00Z"),
    ("2026-11-20T10:00:00+23:59", "2026-11-19T10:01:00Z"),
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ("1899-12-31T23:30:00-01:00", "1900-01-01T00:30:00Z"),
    ("9999-01-01T00:30:00+01:00", "9998-12-31T23:30:00Z"),
]

INVALID = [
    "",
    " ",
    "now",
    "infinity",
    "-infinity",
    "2026-11-20",
    "10:00:00",
    "2026-11-20T",
    "2026-11-20T10Z",
    "2026-13-01T10:00:00Z",
    "2026-00-01T10:00:00Z",
    "2026-11-31T10:00:00Z",
    "2026-11-00T10:00:00Z",
    "2026-02-29T10:00:00Z",
    "1900-02-29T10:00:00Z",
    "2026-11-20T25:00:00Z",
    "2026-11-20T10:60:00Z",
    "2026-11-20T10:00:61Z",
    "2026-11-20T10:00:00.Z",
    "2026-11-20T10:00:00.1234567Z",
    "2026-11-20T10:00:00.0000000Z",
    "2026-11-20T10:00:00.123456789Z",
    "2026-11-20T10:00:00+24:00",
    "2026-11-20T10:00:00+25:00",
    "2026-11-20T10:00:00+01:60",
    "2026-11-20T10:00:00+1",
    "2026-11-20T10:00:00+24",
    "2026-11-20T10:00:00+123",
    "2026-11-20T10:00:00+01:00:30",
    "2026-11-20T10:00:00+",
    "2026-11-20T10:00:00 01:00",
    "2026-11-20T10:00:00Z+01:00",
    "2026-11-20T10:00:00ZZ",
    "2026-11-20T10:00:00UTC",
    "2026-11-20T10:00:00 Europe/London",
    "2026-11-20T10:00:00Z[UTC]",
    " 2026-11-20T10:00:00Z",
    "2026-11-20T10:00:00Z ",
    "2026-11-20T10:00:00Z\n",
    "\uff12\uff10\uff12\uff16-11-20T10:00:00Z",
    "2026-11-20T10:00:00.\uff11Z",
    "2026-11-20X10:00:00Z",
    "20-11-2026T10:00:00Z",
    "2026/11/20T10:00:00Z",
    "26-11-20T10:00:00Z",
    "1795168800",
    "1899-12-31T23:59:59.999999Z",
    "1900-01-01T00:30:00+01:00",
    "9999-01-01T00:00:00Z",
    "9998-12-31T23:30:00-01:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-01:00",
    "9999-12-31T23:59:59.999999-23:59",
    "0000-01-01T00:00:00Z",
    "-2026-11-20T10:00:00Z",
    "+12026-11-20T10:00:00Z",
    "10000-01-01T00:00:00Z",
]

NOT_STRINGS = [1795168800, 1.5, True, [], {}, ["2026-11-20T10:00:00Z"], {"$date": 0}]


@pytest.fixture
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    return environ | getattr(request, "param", {})


naive_refused = pytest.mark.parametrize(
    "environ", [{"INVSYS_API_NAIVE_DATETIMES": "refuse"}], indirect=True, ids=["naive refused"]
)


@table_driven(("text", "expected"), ACCEPTED)
def test_a_date_time_is_returned_in_utc_as_start_and_as_end(
    client: FlaskClient,
    register: Callable[..., str],
    allocate: Callable[..., TestResponse],
    text: str,
    expected: str,
) -> None:
    car = register(str(uuid.uuid4()))
    until, since = allocate(car, None, text), allocate(car, text, None)
    assert (until.status_code, since.status_code) == (201, 201)
    assert until.json["to_datetime"] == since.json["from_datetime"] == expected
    assert [client.get(response.headers["Location"]).json for response in (until, since)] == [until.json, since.json]


@pytest.mark.one_engine
@pytest.mark.parametrize(("text", "expected"), OPTIONAL)
def test_an_optional_format_is_refused_or_interpreted_correctly(
    car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any], text: str, expected: str
) -> None:
    response = allocate(car, text, None)
    if response.status_code == 201:
        assert response.json["from_datetime"] == expected
    else:
        refused(response, 422, "invalid_fields", "from_datetime")


@pytest.mark.one_engine
@table_driven("value", INVALID + NOT_STRINGS)
def test_an_invalid_date_time_is_refused_with_the_name_of_the_field(
    car: str,
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    value: object,
) -> None:
    with nothing_changes():
        refused(allocate(car, value, None), 422, "invalid_fields", "from_datetime")
        refused(allocate(car, None, value), 422, "invalid_fields", "to_datetime")


@pytest.mark.one_engine
@table_driven("digits", [7, 9, 60])
def test_the_message_names_the_maximum_number_of_digits(
    car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any], digits: int
) -> None:
    response = allocate(car, f"2026-11-20T10:00:00.{'1' * digits}Z", None)
    body = refused(response, 422, "invalid_fields", "from_datetime")
    assert body["errors"]["from_datetime"] == ["A fraction of a second has at most six digits."]


@pytest.mark.one_engine
@table_driven("parameter", ["from", "to"])
@table_driven("text", INVALID)
def test_query_parameters_refuse_the_same_date_times(
    client: FlaskClient, car: str, refused: Callable[..., Any], parameter: str, text: str
) -> None:
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        refused(client.get(url, query_string={parameter: text}), 422, "invalid_fields", parameter)


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("parameter", ["from", "to"])
@table_driven("text", [text for text, _ in ACCEPTED])
def test_query_parameters_accept_the_same_date_times(
    client: FlaskClient, booking: str, parameter: str, text: str
) -> None:
    assert client.get("/api/cars/all/allocations", query_string={parameter: text}).status_code == 200


@pytest.mark.one_engine
@naive_refused
def test_a_date_time_without_an_offset_is_refused_if_the_settings_say_so(
    client: FlaskClient,
    car: str,
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
) -> None:
    with nothing_changes():
        refused(allocate(car, "2026-11-20T10:00:00", None), 422, "invalid_fields", "from_datetime")
        refused(allocate(car, None, "2026-11-20T10:00:00.5"), 422, "invalid_fields", "to_datetime")
        refused(client.get(f"{car}/allocations?from=2026-11-20T10:00:00"), 422, "invalid_fields", "from")


@pytest.mark.one_engine
@naive_refused
@pytest.mark.parametrize("text", ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00+01:00"])
def test_date_times_with_an_offset_are_still_accepted(
    car: str, allocate: Callable[..., TestResponse], text: str
) -> None:
    assert allocate(car, text, None).json["from_datetime"] == "2026-11-20T10:00:00Z"
