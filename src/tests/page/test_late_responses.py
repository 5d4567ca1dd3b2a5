"""A response that comes late does not replace what the user works on by then."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY
from tests.support.waiting import until

pytestmark = pytest.mark.one_engine


@contextmanager
def late_response(page, pattern, method):
    """Hold back the next request of this kind, which the block must cause, until the block ends."""
    held = []

    def hold(route):
        if held or route.request.method != method:
            route.fallback()
        else:
            held.append(route)

    page.page.route(pattern, hold)
    with page.page.expect_event("requestfinished", lambda request: bool(held) and request == held[0].request):
        yield
        until(lambda: held or page.page.wait_for_timeout(20))
        held[0].continue_()


@pytest.fixture
def page(open_page):
    """The page at an empty day."""
    return open_page("day=2099-02-01&span=1")


def begin_another_form(page):
    page.click("Add vehicle…")
    page.fill("name", "Golf")


def is_still_typing(page):
    expect(page.panel.locator("[name=name]")).to_have_value("Golf")
    expect(page.panel.locator("[name=name]")).to_be_focused()


def test_the_form_stays_while_the_list_of_what_is_in_the_way_is_renewed(page, client, register, allocate):
    car = register("B1")
    register("B2")
    for start in ("08:00", "12:00"):
        allocate(car, start, f"{start[:2]}:30", description="trip")
    page.go(DAY)
    page.open_vehicle("B1")
    page.click("Out of service…", page.panel)
    page.shows("In the way:")
    with late_response(page, "**/allocations?from=*", "GET"):
        page.click("Move all", page.panel)
        page.shows("2 allocations moved.")
        page.fill("description", "gearbox")
    expect(page.panel.get_by_text("In the way:")).to_be_hidden()
    expect(page.panel.locator("[name=description]")).to_have_value("gearbox")
    page.submit()
    page.shows("B1: allocated.")
    assert [row["description"] for row in client.get(f"{car}/allocations").json] == ["gearbox"]


def test_another_form_stays_when_an_allocation_is_made(page, client, register):
    car = register("B1")
    page.go(DAY)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    with late_response(page, "**/allocations", "POST"):
        page.submit()
        begin_another_form(page)
    page.shows("B1: allocated.")
    is_still_typing(page)
    assert len(client.get(f"{car}/allocations").json) == 1


def test_another_form_stays_when_a_vehicle_is_registered_or_its_name_is_taken(page, client, register):
    register("B1")
    page.go(DAY)
    for name, message in (("B2", "B2 is in circulation."), ("B1", "Another Car in circulation is called 'B1'.")):
        page.click("Add vehicle…")
        page.fill("name", name)
        with late_response(page, "**/api/cars", "POST"):
            page.submit()
            begin_another_form(page)
        page.shows(message)
        is_still_typing(page)
    assert [vehicle["name"] for vehicle in client.get("/api/cars?order=name").json] == ["B1", "B2"]


def test_another_form_stays_when_an_allocation_is_changed(page, register, allocate):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    register("B2")
    page.go(DAY)
    page.bars("B1").click()
    page.click("Edit…", page.panel)
    page.fill("description", "longer trip")
    with late_response(page, "**/allocations/*", "PATCH"):
        page.submit()
        begin_another_form(page)
    page.shows("Saved.")
    is_still_typing(page)
    page.bars("B1").click()
    with late_response(page, "**/allocations/*", "PATCH"):
        page.click("Move to any other", page.panel)
        begin_another_form(page)
    page.shows("Moved to B2")
    is_still_typing(page)


def test_another_form_stays_when_a_vehicle_is_closed_and_opened(page, client, register):
    car = register("B1")
    page.go(DAY)
    for name, message, is_closed in (
        ("Out of service…", "Nothing new is booked on B1", True),
        ("Open it for bookings again", "B1 can be booked again.", False),
    ):
        page.open_vehicle("B1")
        with late_response(page, "**/api/cars/*", "PATCH"):
            page.click(name, page.panel)
            begin_another_form(page)
        page.shows(message)
        is_still_typing(page)
        assert bool(client.get(car).json["closed_from"]) is is_closed
