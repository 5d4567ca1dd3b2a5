"""The page that shows the current use of each vehicle, without scripts or external resources."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.html_page import Page
from tests.support.tables import table_driven

Register = Callable[..., str]
Allocate = Callable[..., TestResponse]

MARKUP = [
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "</title><img src=x onerror=y>",
    "&lt;b&gt;",
    "{{ 7*7 }}",
    "'",
]


def hours_from_now(hours: float | None) -> str | None:
    return None if hours is None else (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_shown(instant: str | None) -> str:
    return datetime.fromisoformat(str(instant)).isoformat()


@pytest.mark.through_gateway
@table_driven("collection", ["cars", "lorries", "trucks"])
def test_an_empty_fleet_has_a_page(client: FlaskClient, collection: str) -> None:
    page = Page(client.get(f"/table?collection={collection}"))
    assert f"No {collection} in circulation." in page.text
    assert page.rows == []
    assert page.attribute("a", "href", rel="next") == []


def test_each_collection_lists_its_vehicles_oldest_first(client: FlaskClient, register: Register) -> None:
    for name, collection in (("b", "cars"), ("a", "cars"), ("c", "trucks")):
        register(name, collection)
    assert Page(client.get("/table?collection=cars")).names == ["b", "a"]
    assert Page(client.get("/table?collection=trucks")).names == ["c"]


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (None, 1), (-1, None), (-1, 1), (-1, 24 * 30), (-24 * 365, 24 * 365), (0, 2)]
)
def test_a_vehicle_in_use_shows_its_use_and_the_end(
    client: FlaskClient, car: str, allocate: Allocate, start: float | None, end: float | None
) -> None:
    until = hours_from_now(end)
    allocate(car, hours_from_now(start), until, allocation_type="service", description="oil & brakes")
    page = Page(client.get("/table"))
    [[name, now, _]] = page.rows
    assert name == "Car1"
    assert now.startswith("service until further notice" if until is None else "service until ")
    assert now.endswith("oil & brakes")
    assert page.times == ([] if until is None else [as_shown(until)])
    assert page.titles == ["service: oil & brakes"]


@pytest.mark.parametrize("start", [1, 24, 24 * 6])
@pytest.mark.parametrize("length", [0.1, 24, None])
def test_a_free_vehicle_shows_until_when_it_is_free(
    client: FlaskClient, car: str, allocate: Allocate, start: float, length: float | None
) -> None:
    begins = hours_from_now(start)
    allocate(car, begins, None if length is None else hours_from_now(start + length))
    page = Page(client.get("/table"))
    assert page.rows[0][1].startswith("free until ")
    assert page.times == [as_shown(begins)]
    assert page.titles == ["booking"]


@pytest.mark.parametrize(("start", "end"), [(-2, -1), (None, -1), (24 * 7 + 1, None), (24 * 8, 24 * 9)])
def test_past_and_distant_allocations_are_not_shown(
    client: FlaskClient, car: str, allocate: Allocate, start: float | None, end: float | None
) -> None:
    allocate(car, hours_from_now(start), hours_from_now(end))
    page = Page(client.get("/table"))
    assert page.rows[0][1] == "free for the next 7 days"
    assert page.bars == []


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("closed_from", "start", "end", "now", "titles"),
    [
        (-1, 24, 25, "closed since ", ["closed", "booking"]),
        (-1, -2, 1, "booking until ", ["closed", "booking"]),
        (5, 24, 25, "free until ", ["closed", "booking"]),
        (24, 5, 6, "free until ", ["closed", "booking"]),
        (24 * 8, 24 * 9, None, "free for the next 7 days", []),
    ],
)
def test_a_closed_vehicle_is_not_shown_as_free(
    client: FlaskClient,
    car: str,
    allocate: Allocate,
    closed_from: float,
    start: float,
    end: float | None,
    now: str,
    titles: list[str],
) -> None:
    instants = {hour: hours_from_now(hour) for hour in (closed_from, start, end)}
    allocate(car, instants[start], instants[end])
    client.patch(car, json={"closed_from": instants[closed_from]})
    page = Page(client.get("/table"))
    assert page.rows[0][1].startswith(now)
    assert page.titles == titles
    if now == "free until ":
        assert page.times == [as_shown(instants[5])]


@pytest.mark.one_engine
def test_bars_are_drawn_at_the_times_of_the_allocations(client: FlaskClient, car: str, allocate: Allocate) -> None:
    for kind, start, end in (("third", 96, None), ("second", 24, 48), ("first", -5, 12)):
        allocate(car, hours_from_now(start), hours_from_now(end), allocation_type=kind)
    page = Page(client.get("/table"))
    assert page.titles == ["first", "second", "third"]
    drawn = [(float(str(bar["x"])), float(str(bar["width"]))) for bar in page.bars]
    hours = [(0, 12), (24, 24), (96, 72)]
    assert drawn == [pytest.approx([100 * hour / 168 for hour in pair], abs=0.1) for pair in hours]


def test_an_allocation_is_shown_only_for_its_own_vehicle(
    client: FlaskClient, register: Register, allocate: Allocate
) -> None:
    cars = [register(f"Car{number}") for number in range(3)]
    allocate(cars[1], None, None)
    assert [row[1].split()[0] for row in Page(client.get("/table")).rows] == ["free", "booking", "free"]


def test_a_decommissioned_vehicle_is_not_shown(client: FlaskClient, car: str) -> None:
    client.delete(car)
    assert Page(client.get("/table")).rows == []


@pytest.mark.one_engine
@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_texts_is_escaped(client: FlaskClient, register: Register, allocate: Allocate, text: str) -> None:
    plain = Page(client.get("/table", query_string={"name": "x"}))
    for query in ({}, {"name": text}):
        assert_same_elements(plain, Page(client.get("/table", query_string=query)))
    car = register(text)
    allocate(car, None, None, description=text, allocation_type=text[:20])
    page = Page(client.get("/table", query_string={"name": text}))
    [[name, now, _]] = page.rows
    assert (name, now) == (text, f"{text[:20]} until further notice{text}")
    assert page.titles == [f"{text[:20]}: {text}"]
    assert page.attribute("input", "value", name="name") == [text]


def assert_same_elements(one: Page, other: Page) -> None:
    def names(page: Page) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in page.elements]

    assert names(one) == names(other)


@pytest.mark.through_gateway
@pytest.mark.parametrize("name", ["Car1", "a b", "Ä&ö", "100%", "a+b"])
def test_a_vehicle_is_found_by_its_name(client: FlaskClient, register: Register, name: str) -> None:
    for vehicle in (name, "Other"):
        register(vehicle)
        register(vehicle, "trucks")
    page = Page(client.get("/table", query_string={"name": name, "collection": "trucks"}))
    assert page.names == [name]
    assert page.attribute("input", "value", name="collection") == ["trucks"]


def test_an_unknown_name_finds_nothing_and_an_empty_name_finds_all(client: FlaskClient, car: str) -> None:
    assert "No cars called “Car2” in circulation." in Page(client.get("/table?name=Car2")).text
    assert Page(client.get("/table?name=")).names == ["Car1"]


@pytest.mark.one_engine
@pytest.mark.parametrize("name", ["%00", "a%00b"])
def test_a_name_with_a_nul_character_causes_no_server_error(client: FlaskClient, name: str) -> None:
    assert "A NUL is not allowed." in Page(client.get(f"/table?name={name}")).text


def pages(client: FlaskClient) -> Iterator[Page]:
    links: list[Any] = ["/table?collection=trucks"]
    while links:
        page = Page(client.get(links[0]))
        yield page
        links = page.attribute("a", "href", rel="next")


@pytest.mark.through_gateway
@pytest.mark.parametrize(("count", "sizes"), [(50, [50]), (51, [50, 1]), (101, [50, 50, 1])])
def test_the_next_links_list_all_vehicles_once(
    client: FlaskClient, register: Register, count: int, sizes: list[int]
) -> None:
    names = [f"Truck{number}" for number in range(count)]
    for name in names:
        register(name, "trucks")
    page_names = [page.names for page in pages(client)]
    assert [len(listed) for listed in page_names] == sizes
    assert [name for listed in page_names for name in listed] == names


@pytest.mark.one_engine
@pytest.mark.parametrize("collection", ["vans", "Trucks", "", "%00", "<script>", "Car"])
def test_an_unknown_collection_falls_back_to_the_first(client: FlaskClient, car: str, collection: str) -> None:
    page = Page(client.get("/table", query_string={"collection": collection}))
    assert page.names == ["Car1"]
    assert page.attribute("a", "href", **{"aria-current": "page"}) == ["/table?collection=cars"]


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven(
    ("query", "sentence"),
    [
        *(
            (f"cursor={cursor}", "“cursor” was ignored. ")
            for cursor in ("", "x", "bnVsbA", "WyJ4Il0", "W10", "a" * 5000)
        ),
        ("cursor=%00", "“cursor” was ignored. A NUL is not allowed."),
        (f"name={'x' * 37}", "“name” was ignored. Longer than maximum length 36."),
        ("colour=red", "“colour” was ignored. Unknown field."),
        ("name=a&name=b", "“name” was ignored. Must not be repeated."),
        ("name=%ff", "“name” was ignored. Not UTF-8."),
        ("%ff=1", "“\\xff” was ignored. Not UTF-8."),
        ("<i>=1", "“<i>” was ignored. Unknown field."),
        ("collection=vans", "There is no collection “vans”. These are the cars."),
        *(
            (f"day={day}", "“day” was ignored. Not a day such as 2026-11-28.")
            for day in (
                "",
                "today",
                "20261128",
                "2026-W48-6",
                "2026-02-30",
                "2026-1-1",
                "२०२६-११-२८",
                "2026-11-28T00:00",
            )
        ),
        *((f"day={day}", "“day” was ignored. Outside the years 1900 to 9998.") for day in ("1899-12-31", "9999-01-01")),
        *((f"days={days}", "“days” was ignored. ") for days in ("", "0", "-1", "32", "1.5", "1e1", "३", "9" * 5000)),
    ],
)
def test_an_invalid_parameter_is_ignored_and_the_page_says_so(
    client: FlaskClient, car: str, query: str, sentence: str
) -> None:
    page = Page(client.get(f"/table?{query}"))
    assert page.names == ["Car1"]
    assert sentence in page.text
    assert page.attribute("input", "value", name="days") == ["7"]


@pytest.mark.one_engine
def test_the_valid_parameters_beside_an_invalid_one_are_used(client: FlaskClient, register: Register) -> None:
    for name in ("Truck1", "Truck2"):
        register(name, "trucks")
    page = Page(client.get("/table?collection=trucks&name=Truck2&days=3&day=tomorrow"))
    assert page.names == ["Truck2"]
    assert page.attribute("input", "value", name="days") == ["3"]


@pytest.mark.through_gateway
def test_a_chosen_day_shows_its_allocations(client: FlaskClient, register: Register, allocate: Allocate) -> None:
    cars = [register(f"Car{number}") for number in range(3)]
    allocate(cars[0], "2019-03-30T22:00:00Z", "2019-03-31T06:00:00Z", description="night")
    allocate(cars[1], "2019-03-31T12:00:00Z", "2019-03-31T18:00:00Z", allocation_type="maintenance")
    allocate(cars[2], "2019-03-29T12:00:00Z", "2019-03-31T00:00:00Z")
    page = Page(client.get("/table?day=2019-03-31&days=1"))
    states = [row[1] for row in page.rows]
    assert states[0].startswith("booking until Sun 31 Mar 2019, 06:00")
    assert states[1:] == ["free until Sun 31 Mar 2019, 12:00", "free for 1 day"]
    assert [(float(str(bar["x"])), float(str(bar["width"]))) for bar in page.bars] == [(0, 25), (50, 25)]
    assert [bar["class"] for bar in page.bars] == ["booking", "maintenance"]
    # This text is for screen readers and for print, where there are no tooltips.
    assert "Sat 30 Mar 22:00 to Sun 31 Mar 06:00: booking, night" in page.text
    assert page.attribute("input", "value", name="day") == ["2019-03-31"]


@pytest.mark.one_engine
def test_links_lead_to_the_days_before_and_after_and_keep_the_rest(client: FlaskClient, car: str) -> None:
    def links(query: str) -> list[str | None]:
        hrefs = Page(client.get(f"/table?{query}")).attribute("a", "href")
        return [href for href in hrefs if "collection=cars" in str(href)]

    [cars, earlier, later, now] = links("day=2026-02-28&days=3&name=a%26b")
    assert cars == "/table?collection=cars&day=2026-02-28&days=3"
    assert earlier == "/table?collection=cars&name=a%26b&day=2026-02-25&days=3"
    assert later == "/table?collection=cars&name=a%26b&day=2026-03-03&days=3"
    assert now == "/table?collection=cars&name=a%26b"
    assert len(links("day=1900-01-01")) == len(links("day=9998-12-31&days=31")) == 3


@pytest.mark.one_engine
def test_open_ends_and_holds_are_shown_as_text_and_in_their_colours(
    client: FlaskClient, car: str, allocate: Allocate
) -> None:
    allocate(car, None, "2099-03-01T10:00:00Z", allocation_type="loan")
    allocate(car, "2099-03-02T10:00:00Z", None, hold_seconds=600)
    page = Page(client.get("/table?day=2099-03-01"))
    assert [bar["class"] for bar in page.bars] == ["other", "booking held"]
    assert "since ever to Sun 01 Mar 10:00: loan" in page.text
    assert "Mon 02 Mar 10:00 to further notice: booking, held" in page.text


@pytest.mark.one_engine
def test_the_page_has_no_scripts_and_loads_nothing_external(client: FlaskClient, car: str, allocate: Allocate) -> None:
    allocate(car, None, None)
    response = client.get("/table")
    policy = dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy) <= {"default-src", "style-src", "img-src", "form-action", "base-uri", "frame-ancestors"}
    assert set(policy.values()) <= {"'none'", "'self'"}
    page = Page(response)
    assert not {"script", "style", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in {"href", "src", "action", "formaction"} & set(attributes):
            assert re.match(r"/(?!/)", str(attributes[name]))


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_the_style_sheet_is_local_and_loads_nothing_else(client: FlaskClient) -> None:
    [sheet] = Page(client.get("/table")).attribute("link", "href", rel="stylesheet")
    with client.get(str(sheet)) as response:
        assert (response.status_code, response.mimetype) == (200, "text/css")
        assert not re.search(r"url\(|@import|//", response.text)
