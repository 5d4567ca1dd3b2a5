"""Addresses of the page that somebody has mistyped, shortened or made up."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine

# The parameter that the sentence must name, and queries in which its value is wrong.
WRONG = {
    "type": ["type=ships", "type=constructor", "type="],
    "day": ["day=2026-02-30", "day=x", "day=", "day=99999-01-01", "day=1899-12-31", "day=2026-11-28T10:00"],
    "span": ["span=3", "span=", "span=7x", "span=-1", "span=1e400"],
    "find": ["find=" + "x" * 37],
    "find ": ["find=%00"],
    "attribute.": ["attribute.=x"],
    "attribute.city": ["attribute.city=" + "x" * 300, "attribute.city=%00"],
    "free": ["free=x/y", "free=", "free=2099-03-02T10:00Z/2099-03-02T09:00Z", "free=2099-03-02T10:00Z"],
    "colour": ["colour=red", "colour"],
    "<b>": [quote("<b>") + "=1"],
}


def test_a_wrong_parameter_shows_the_page_with_a_sentence(open_page, register):
    register("B1", attributes={"city": "York"})
    page = open_page("day=2099-03-02")
    for name, query in [(name.strip(), query) for name, queries in WRONG.items() for query in queries]:
        page.go(query)
        page.shows(f"this page does not know, and ignores: {name}.")
        expect(page.row("B1")).to_be_visible()
        expect(page.find("#notice b")).to_have_count(0)
    page.go(DAY)
    expect(page.row("B1")).to_be_visible()
    expect(page.find("#notice")).to_be_hidden()


def test_bytes_that_are_no_text_and_repeated_parameters_break_nothing(open_page, register):
    register("B1")
    page = open_page("day=2099-03-02&day=2099-03-03&%FF=%&&=&span=1&span=7#x")
    page.shows("this page does not know, and ignores:")
    expect(page.row("B1")).to_be_visible()


def test_a_view_can_be_sent_to_a_colleague(open_page, register, allocate):
    for name, city in (("Be 1", "York"), ("Be 2", "York"), ("Be 3", "Leeds"), ("Al 1", "York")):
        register(name, "lorries", attributes={"city": city})
    [taken] = [register("Be 9", "lorries", attributes={"city": "York"})]
    allocate(taken, "08:00", "12:00")
    first = open_page("type=lorries&day=2099-03-02&span=7&find=Be&attribute.city=York")
    expect(first.find(".row .name bdi:first-child").filter(has_text="Be")).to_have_text(["Be 1", "Be 2", "Be 9"])
    expect(first.find("#find")).to_have_value("Be")
    first.click("Later")
    expect(first.find("#day")).to_have_value("2099-03-09")
    second = open_page(first.page.evaluate("location.search").removeprefix("?"))
    expect(second.find("#day")).to_have_value("2099-03-09")
    expect(second.find("[data-span='7']")).to_have_attribute("aria-pressed", "true")
    expect(second.find(".row")).to_have_count(3)
    second.page.go_back()
    free = "2099-03-02T09:00:00.000Z/2099-03-02T10:00:00.000Z"
    second.go(f"type=lorries&day=2099-03-02&span=1&attribute.city=York&free={free}")
    expect(second.find(".row")).to_have_count(3)
    expect(second.row("Be 9")).to_have_count(0)
    second.shows("Free Mon 2 Mar 2099 09:00 – 10:00 ✕")
