"""What happens meanwhile: changes by others, a service that is away, lost responses, limits."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.through_gateway


def test_a_second_browser_sees_what_the_first_does(open_page, register):
    register("B1")
    first, second = open_page(DAY), open_page(DAY)
    expect(second.row("B1")).to_be_visible()
    first.drag(first.point("B1", 8), first.point("B1", 10))
    first.page.keyboard.type("shared")
    first.press("Enter")
    expect(second.bars("B1")).to_have_text("shared")
    first.drag(first.point("B1", 9), first.point("B1", 15))
    expect(second.bars("B1")).to_have_attribute("aria-label", "shared, booking, Monday 2 March 14:00 to 16:00")
    first.click("Add vehicle…")
    first.fill("name", "A0")
    first.submit()
    expect(second.find(".row").first).to_contain_text("A0")


@pytest.mark.one_engine
def test_a_service_that_is_away_loses_nothing_that_was_typed(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("description", "typed before")
    page.context.set_offline(True)
    page.shows("The service has not responded since")
    expect(page.find("#live")).to_have_text("not live")
    page.panel.locator("[name=description]").press("Enter")
    page.shows("Your text stays here")
    page.context.set_offline(False)
    page.shows("It is back.")
    page.submit()
    expect(page.bars("B1")).to_have_attribute("aria-label", "typed before, booking, Monday 2 March 08:00 to 09:00")
    assert len(client.get(f"{car}/allocations").json) == 1


@pytest.mark.one_engine
def test_a_lost_response_is_repeated_without_a_second_allocation(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)

    def lose_response(route):
        route.fetch()
        route.abort()

    page.page.route("**/allocations", lose_response, times=1)
    page.submit()
    page.shows("Not known yet whether it was done.")
    page.shows("It is back.")
    page.click("Try again")
    page.shows("B1: allocated.")
    assert len(client.get(f"{car}/allocations").json) == 1


@pytest.mark.one_engine
def test_a_limit_is_said_and_waited_for(open_page, register):
    register("B1")
    page = open_page(DAY)
    expect(page.row("B1")).to_be_visible()
    page.page.route("**/api/events*", lambda route: route.fulfill(status=429, headers={"Retry-After": "2"}), times=1)
    page.shows("Too many requests; going on in")
    page.shows("It is back.")
