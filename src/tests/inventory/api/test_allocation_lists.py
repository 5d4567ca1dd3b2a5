"""Lists of allocations: their order, and the filters by window, type and status."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven


def at(hour: float | None) -> str | None:
    return None if hour is None else f"2026-11-20T{int(hour):02}:{int(hour % 1 * 60):02}:00Z"


@pytest.fixture
def four_allocations(car: str, allocate: Callable[..., TestResponse]) -> list[str]:
    """The URLs of two lists: the allocations of one car, and those of all cars.

    The car is allocated until 8:00, from 10:00 to 12:00, from 12:00 to 14:00, and from 16:00 on.
    """
    for start, end, kind in ((12, 14, "service"), (16, None, "booking"), (None, 8, "booking"), (10, 12, "booking")):
        allocate(car, at(start), at(end), allocation_type=kind)
    return [f"{car}/allocations", "/api/cars/all/allocations"]


def starts(client: FlaskClient, url: str, **query: str | None) -> list[str | None]:
    response = client.get(
        url, query_string={key.strip("_"): value for key, value in query.items() if value is not None}
    )
    assert response.status_code == 200, response.text
    return [allocation["from_datetime"] for allocation in response.json]


def test_allocations_are_ordered_by_start_with_infinite_starts_first(
    client: FlaskClient, four_allocations: list[str]
) -> None:
    for url in four_allocations:
        assert starts(client, url) == [None, at(10), at(12), at(16)]


@table_driven(
    ("start", "end", "expected"),
    [
        (None, None, [None, 10, 12, 16]),
        (8, None, [10, 12, 16]),
        (7.5, None, [None, 10, 12, 16]),
        (12, None, [12, 16]),
        (11.5, None, [10, 12, 16]),
        (20, None, [16]),
        (None, 1, [None]),
        (None, 10, [None]),
        (None, 10.5, [None, 10]),
        (None, 16, [None, 10, 12]),
        (8, 10, []),
        (14, 16, []),
        (12, 14, [12]),
        (11, 13, [10, 12]),
        (12.25, 12.5, [12]),
        (7, 17, [None, 10, 12, 16]),
        (1, 2, [None]),
        (20, 21, [16]),
    ],
)
def test_a_window_lists_the_overlapping_allocations(
    client: FlaskClient,
    four_allocations: list[str],
    start: float | None,
    end: float | None,
    expected: list[float | None],
) -> None:
    for url in four_allocations:
        assert starts(client, url, from_=at(start), to=at(end)) == [at(hour) for hour in expected]


def test_the_offset_of_a_window_is_respected(client: FlaskClient, four_allocations: list[str]) -> None:
    for url in four_allocations:
        window = {"from_": "2026-11-20T14:00:00+02:00", "to": "2026-11-20T09:00:00-05:00"}
        assert starts(client, url, **window) == [at(12)]


@pytest.mark.one_engine
@pytest.mark.parametrize(("start", "end"), [(12, 12), (12, 10)])
def test_a_window_that_does_not_end_after_its_start_is_refused(
    client: FlaskClient,
    four_allocations: list[str],
    refused: Callable[..., dict[str, dict[str, object]]],
    start: int,
    end: int,
) -> None:
    for url in four_allocations:
        body = refused(client.get(url, query_string={"from": at(start), "to": at(end)}), 422, "invalid_fields")
        assert set(body["errors"]) <= {"from", "to"}


@table_driven(
    ("query", "expected"),
    [
        ({"allocation_type": "service"}, [12]),
        ({"allocation_type": "booking"}, [None, 10, 16]),
        ({"allocation_type": "Service"}, []),
        ({"allocation_type": "unheard of"}, []),
        ({"status": "confirmed"}, [None, 10, 12, 16]),
        ({"status": "held"}, []),
        ({"allocation_type": "booking", "status": "confirmed", "from": "2026-11-20T09:00:00Z"}, [10, 16]),
    ],
)
def test_type_and_status_filter_the_list(
    client: FlaskClient, four_allocations: list[str], query: dict[str, str], expected: list[float | None]
) -> None:
    for url in four_allocations:
        assert starts(client, url, **query) == [at(hour) for hour in expected]


def test_a_vehicle_lists_its_own_allocations_and_all_lists_those_of_the_type(
    client: FlaskClient,
    four_allocations: list[str],
    register: Callable[..., str],
    allocate: Callable[..., TestResponse],
) -> None:
    second, lorry = register("Car2"), register("Lorry1", "lorries")
    for vehicle in (second, lorry):
        allocate(vehicle, at(9), at(13))
    assert starts(client, four_allocations[0]) == [None, at(10), at(12), at(16)]
    assert starts(client, f"{second}/allocations") == [at(9)]
    assert starts(client, four_allocations[1]) == [None, at(9), at(10), at(12), at(16)]
    assert starts(client, "/api/lorries/all/allocations") == [at(9)]


@pytest.mark.one_engine
@table_driven("kind", ["%00", "%ff", "%ED%A0%80", "x" * 5000, ""])
def test_a_type_that_no_allocation_can_have_matches_nothing_or_is_refused(
    client: FlaskClient, four_allocations: list[str], refused: Callable[..., object], kind: str
) -> None:
    for url in four_allocations:
        response = client.get(f"{url}?allocation_type={kind}")
        if response.status_code == 200:
            assert response.json == []
        else:
            refused(response, 422, "invalid_fields", "allocation_type")
