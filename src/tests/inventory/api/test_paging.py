"""Pages of vehicles and of allocations: their length, the next link, and that no item is skipped or repeated."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

Follow = Callable[[str], Iterator[list[dict[str, Any]]]]


@pytest.fixture
def seven_cars(register: Callable[..., str], allocate: Callable[..., TestResponse]) -> list[str]:
    """Seven cars, allocated for the same infinite period, so that allocations cannot be ordered by start alone."""
    cars = [register(f"Car{number}") for number in range(7)]
    for car in cars:
        allocate(car, None, None)
    return cars


LISTS = pytest.mark.parametrize("path", ["/api/cars", "/api/cars/all/allocations"])


@pytest.mark.through_gateway
@LISTS
@table_driven(
    ("limit", "sizes"), [(1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 3, 1]), (6, [6, 1]), (7, [7]), (8, [7]), (1000, [7])]
)
def test_the_next_links_return_every_item_exactly_once(
    client: FlaskClient, seven_cars: list[str], follow_pages: Follow, path: str, limit: int, sizes: list[int]
) -> None:
    pages = list(follow_pages(f"{path}?limit={limit}"))
    assert [len(page) for page in pages] == sizes
    assert [row for page in pages for row in page] == client.get(path).json


def test_vehicles_are_listed_oldest_first(client: FlaskClient, register: Callable[..., str]) -> None:
    for name in ("b", "c", "a"):
        register(name)
    assert [car["name"] for car in client.get("/api/cars").json] == ["b", "c", "a"]


@LISTS
def test_an_empty_list_has_one_empty_page(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.json, response.headers.get("Link")) == (200, [], None)


def test_a_page_has_100_items_by_default(register: Callable[..., str], follow_pages: Follow) -> None:
    for number in range(101):
        register(f"Car{number:03}")
    assert [len(page) for page in follow_pages("/api/cars")] == [100, 1]


@pytest.mark.one_engine
@LISTS
@table_driven(
    "limit", ["0", "-1", "1001", "x", "", "1.5", "1e2", "9" * 30, "9" * 5000, "0x10", "1_0", "\uff11", "null", "1,2"]
)
def test_any_other_limit_is_refused(client: FlaskClient, refused: Callable[..., Any], path: str, limit: str) -> None:
    refused(client.get(path, query_string={"limit": limit}), 422, "invalid_fields", "limit")


def test_vehicles_added_between_pages_are_listed_once_and_hide_none(
    seven_cars: list[str], register: Callable[..., str], follow_pages: Follow
) -> None:
    names = []
    for number, page in enumerate(follow_pages("/api/cars?limit=2")):
        names += [car["name"] for car in page]
        if number < 4:
            register(f"New{number}")
    assert names == [f"Car{number}" for number in range(7)] + [f"New{number}" for number in range(4)]


def day(number: int) -> str:
    return f"2099-03-{number:02}T00:00:00Z"


def test_allocations_added_between_pages_hide_and_repeat_none(
    car: str, allocate: Callable[..., TestResponse], follow_pages: Follow
) -> None:
    before = [allocate(car, day(number), day(number + 1)).json["id"] for number in range(2, 20, 2)]
    ids = []
    for number, page in enumerate(follow_pages(f"{car}/allocations?limit=2")):
        ids += [allocation["id"] for allocation in page]
        if number < 4:
            allocate(car, day(4 * number + 1), day(4 * number + 2))
            allocate(car, day(4 * number + 3), day(4 * number + 4))
    assert [allocation_id for allocation_id in ids if allocation_id in before] == before
    assert len(ids) == len(set(ids))


@LISTS
def test_items_deleted_between_pages_hide_no_other(
    client: FlaskClient, seven_cars: list[str], follow_pages: Follow, path: str
) -> None:
    cars = {client.get(car).json["id"]: car for car in seven_cars}
    ids: list[str] = []
    for page in follow_pages(f"{path}?limit=2"):
        ids += [row.get("resource_id", row["id"]) for row in page]
        for allocation in client.get(f"{cars[ids[-1]]}/allocations").json:
            client.delete(f"/api/cars/all/allocations/{allocation['id']}")
        client.delete(cars[ids[-1]])
    assert sorted(ids) == sorted(cars)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("allocation_type=service", 3),
        ("status=confirmed", 6),
        ("from=2099-03-03T00:00:00%2B00:00", 4),
        ("to=2099-03-04T00:00:00Z", 3),
        ("from=2099-03-02T00:00:00Z&to=2099-03-06T00:00:00Z&allocation_type=service", 2),
    ],
)
def test_the_next_page_keeps_the_filters(
    car: str, allocate: Callable[..., TestResponse], follow_pages: Follow, query: str, count: int
) -> None:
    for number in range(1, 7):
        allocate(car, day(number), day(number + 1), allocation_type=("booking", "service")[number % 2])
    for url in (f"{car}/allocations", "/api/cars/all/allocations"):
        [unpaged] = follow_pages(f"{url}?{query}")
        pages = list(follow_pages(f"{url}?{query}&limit=1"))
        assert [len(page) for page in pages] == [1] * count
        assert [row for page in pages for row in page] == unpaged


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.one_engine
@LISTS
@table_driven(
    "cursor",
    [
        "",
        "x",
        "!",
        "%00",
        "%ff",
        "é",
        "0",
        "-1",
        "a" * 5000,
        *map(forged, [None, {}, [], [None], ["x"], [[]], [True], [1.5], [1e400], [2**64], [-(2**70)], [1, 2, 3, 4, 5]]),
        *map(forged, [["x", 1], [1, "x"], [None, "x"], ["9999-99-99", 1], ["0001-01-01T00:00:00+14:00", 1], ["\0", 1]]),
        forged([[[[]]]])[:-1],
    ],
)
def test_a_cursor_that_the_service_did_not_issue_is_refused(
    client: FlaskClient, seven_cars: list[str], refused: Callable[..., Any], path: str, cursor: str
) -> None:
    refused(client.get(path, query_string={"cursor": cursor}), 422, "invalid_fields", "cursor")


@pytest.mark.one_engine
@LISTS
def test_a_damaged_cursor_causes_no_server_error(
    client: FlaskClient, seven_cars: list[str], refused: Callable[..., Any], path: str
) -> None:
    valid = client.get(f"{path}?limit=3").headers["Link"].split("cursor=")[1].split(">")[0].split("&")[0]
    damaged = [valid[:place] + letter + valid[place + 1 :] for place in range(len(valid)) for letter in "A9_z"]
    for cursor in [*damaged, valid[:-1], valid + "A", valid + valid]:
        response = client.get(f"{path}?cursor={cursor}")
        if response.status_code != 200:
            refused(response, 422, "invalid_fields", "cursor")


YEARS = [None, 1900, 1969, 1970, 2026, 8307, 8308, 9000, 9998]


@pytest.fixture
def distant_starts(client: FlaskClient) -> None:
    """For each of YEARS, allocate a vehicle from that year on; None means an infinite start."""
    for number, year in enumerate(YEARS):
        path = client.post("/api/cars", json={"name": f"Car{number}"}).headers["Location"] + "/allocations"
        start = {"from_infinity": True} if year is None else {"from_datetime": f"{year}-01-01T00:00:00.000001Z"}
        assert client.post(path, json={**start, "to_infinity": True}).status_code == 201


@pytest.mark.usefixtures("distant_starts")
def test_pages_lead_from_the_earliest_start_to_the_latest(client: FlaskClient, follow_pages: Follow) -> None:
    starts = [row["from_datetime"] for page in follow_pages("/api/cars/all/allocations?limit=1") for row in page]
    expected = [None] + [datetime(year, 1, 1, 0, 0, 0, 1, UTC) for year in YEARS if year is not None]
    assert [start and datetime.fromisoformat(start) for start in starts] == expected
