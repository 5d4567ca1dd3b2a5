"""Periods in requests and responses: their four fields, their half-open bounds, and overlaps."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

FOUR = ("from_datetime", "to_datetime", "from_infinity", "to_infinity")
Period = tuple[int | None, int | None]


def at(hour: int | None) -> str | None:
    return None if hour is None else f"2026-11-20T{hour:02}:00:00Z"


NINE, TEN = "2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"
FROM_ALWAYS, TO_ALWAYS = {"from_infinity": True}, {"to_infinity": True}


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"from_datetime": NINE, "to_datetime": TEN}, (NINE, TEN, False, False)),
        ({"from_datetime": NINE, "to_infinity": True}, (NINE, None, False, True)),
        ({"from_infinity": True, "to_datetime": TEN}, (None, TEN, True, False)),
        ({"from_infinity": True, "to_infinity": True}, (None, None, True, True)),
        ({"from_datetime": NINE, "from_infinity": False, "to_datetime": TEN}, (NINE, TEN, False, False)),
        ({"from_datetime": NINE, "from_infinity": None, "to_datetime": TEN}, (NINE, TEN, False, False)),
        ({"from_datetime": None, **FROM_ALWAYS, "to_datetime": TEN, "to_infinity": False}, (None, TEN, True, False)),
        ({"from_datetime": NINE, "to_datetime": None, **TO_ALWAYS}, (NINE, None, False, True)),
    ],
)
def test_each_side_is_a_date_time_or_infinite(
    client: FlaskClient, car: str, body: dict[str, object], expected: tuple[object, ...]
) -> None:
    response = client.post(f"{car}/allocations", json=body)
    assert response.status_code == 201, response.text
    assert tuple(response.json[field] for field in FOUR) == expected


ENOUGH = {"from": {"from_infinity": True}, "to": {"to_infinity": True}}


@pytest.mark.one_engine
@table_driven(("side", "other"), [("from", "to"), ("to", "from")])
@table_driven(
    "fields",
    [
        {},
        {"datetime": None},
        {"infinity": False},
        {"infinity": None},
        {"datetime": None, "infinity": False},
        {"datetime": None, "infinity": None},
        {"datetime": NINE, "infinity": True},
        {"infinity": "true"},
        {"infinity": 1},
        {"infinity": "yes"},
        {"infinity": []},
        {"datetime": NINE, "infinity": "false"},
        {"datetime": NINE, "infinity": 0},
        {"datetime": NINE, "infinity": ""},
    ],
)
def test_a_side_with_neither_or_both_fields_is_refused(
    client: FlaskClient,
    car: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    side: str,
    other: str,
    fields: dict[str, object],
) -> None:
    body = ENOUGH[other] | {f"{side}_{name}": value for name, value in fields.items()}
    with nothing_changes():
        body = refused(client.post(f"{car}/allocations", json=body), 422, "invalid_fields")
    assert set(body["errors"]) <= {f"{side}_datetime", f"{side}_infinity"}


@pytest.mark.one_engine
@table_driven(
    ("start", "end"),
    [
        (TEN, TEN),
        (TEN, NINE),
        (TEN, "2026-11-20T11:00:00+01:00"),
        ("2026-11-20T10:00:00.000001Z", TEN),
        ("9998-01-01T00:00:00Z", "1900-01-01T00:00:00Z"),
    ],
)
def test_a_period_that_does_not_end_after_its_start_is_refused(
    car: str,
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    start: str,
    end: str,
) -> None:
    with nothing_changes():
        body = refused(allocate(car, start, end), 422, "invalid_fields")
    assert set(body["errors"]) <= {"from_datetime", "to_datetime"}


def test_a_period_may_last_one_microsecond(car: str, allocate: Callable[..., TestResponse]) -> None:
    for digit in range(3):
        response = allocate(car, f"2026-11-20T10:00:00.00000{digit}Z", f"2026-11-20T10:00:00.00000{digit + 1}Z")
        assert response.status_code == 201


@pytest.mark.one_engine
@pytest.mark.parametrize("period", [(NINE, TEN), (NINE, None), (None, TEN), (None, None)])
def test_the_period_of_a_response_can_be_sent_in_a_request(
    client: FlaskClient,
    car: str,
    register: Callable[..., str],
    allocate: Callable[..., TestResponse],
    period: tuple[str | None, str | None],
) -> None:
    read = client.get(allocate(car, *period).headers["Location"]).json
    copy = client.post(f"{register('Car2')}/allocations", json={field: read[field] for field in FOUR})
    assert copy.status_code == 201
    assert [copy.json[field] for field in FOUR] == [read[field] for field in FOUR]


OVERLAPS: list[tuple[str, Period, Period, bool]] = [
    ("before", (10, 12), (7, 9), False),
    ("ends at its start", (10, 12), (8, 10), False),
    ("overlaps its start", (10, 12), (9, 11), True),
    ("inside", (10, 14), (11, 13), True),
    ("same start, shorter", (10, 14), (10, 12), True),
    ("same end, shorter", (10, 14), (12, 14), True),
    ("identical", (10, 12), (10, 12), True),
    ("infinite start, ends at its start", (10, 12), (None, 10), False),
    ("infinite start, ends before", (10, 12), (None, 9), False),
    ("infinite start, ends inside", (10, 12), (None, 11), True),
    ("infinite start, ends at its end", (10, 12), (None, 12), True),
    ("infinite start, ends after", (10, 12), (None, 13), True),
    ("infinite end, starts at its end", (10, 12), (12, None), False),
    ("infinite end, starts after", (10, 12), (13, None), False),
    ("infinite end, starts inside", (10, 12), (11, None), True),
    ("infinite end, starts at its start", (10, 12), (10, None), True),
    ("infinite end, starts before", (10, 12), (9, None), True),
    ("always", (10, 12), (None, None), True),
    ("infinite start and infinite end that touch", (None, 10), (10, None), False),
    ("infinite start and infinite end with a gap", (None, 10), (11, None), False),
    ("infinite start and infinite end that overlap", (None, 11), (10, None), True),
    ("infinite start, twice", (None, 10), (None, 11), True),
    ("infinite end, twice", (10, None), (11, None), True),
    ("infinite start and always", (None, 10), (None, None), True),
    ("infinite end and always", (10, None), (None, None), True),
    ("always, twice", (None, None), (None, None), True),
]


@table_driven("is_reversed", [False, True], ids=["in order", "reversed"])
@table_driven(("one", "other", "overlap"), [row[1:] for row in OVERLAPS], ids=[row[0] for row in OVERLAPS])
def test_an_allocation_is_refused_exactly_if_it_overlaps_another(
    client: FlaskClient,
    register: Callable[..., str],
    allocate: Callable[..., TestResponse],
    refused: Callable[..., Any],
    one: Period,
    other: Period,
    overlap: bool,
    is_reversed: bool,
) -> None:
    car = register(str(uuid.uuid4()))
    first, second = (other, one) if is_reversed else (one, other)
    expected = [allocate(car, at(first[0]), at(first[1])).json]
    response = allocate(car, at(second[0]), at(second[1]))
    if overlap:
        body = refused(response, 409, "period_taken")
        assert [conflict["id"] for conflict in body["conflicts"]] == [expected[0]["id"]]
    else:
        expected.append(response.json)
    listed = client.get(f"{car}/allocations").json
    assert sorted(listed, key=lambda row: row["id"]) == sorted(expected, key=lambda row: row["id"])


def test_a_period_fits_exactly_into_a_gap(car: str, allocate: Callable[..., TestResponse]) -> None:
    periods = [(None, 10), (12, None), (10, 11), (11, 12)]
    assert [allocate(car, at(start), at(end)).status_code for start, end in periods] == [201] * 4


@table_driven("start", ["2026-11-20T11:59:59.999999Z", "2026-11-20T13:59:59.999999+02:00"])
def test_an_overlap_of_one_microsecond_is_refused(
    car: str, allocate: Callable[..., TestResponse], refused: Callable[..., Any], start: str
) -> None:
    allocate(car, at(10), at(12))
    refused(allocate(car, start, at(14)), 409, "period_taken")
