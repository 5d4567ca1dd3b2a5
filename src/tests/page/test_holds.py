"""Holds: counted down, extended, confirmed, let go and expired."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, stored


@pytest.mark.through_gateway
def test_a_hold_counts_down_and_is_extended_and_confirmed(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.panel.locator("[name=hold]").check()
    page.fill("hold_seconds", "3")
    page.click("Hold for 3 min")
    expect(page.bars("B1")).to_have_class(re.compile(r"\bheld\b"))
    countdown = page.bars("B1").get_attribute("title")
    assert re.match("held (3:00|2:[0-9]{2}) ", countdown)
    page.click("+15 min", page.panel)
    expect(page.bars("B1")).to_have_attribute("title", re.compile("held 1[78]:"))
    page.click("Confirm", page.panel)
    expect(page.bars("B1")).not_to_have_class(re.compile(r"\bheld\b"))
    assert client.get(f"{car}/allocations").json[0]["status"] == "confirmed"


def test_an_expired_hold_goes_from_the_view_and_is_allocated_again(open_page, service, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "10:00", description="offer", hold_seconds=600)
    page = open_page(DAY, has_clock=True)
    page.bars("B1").click()
    page.shows("held until")
    # The feed says nothing yet: the page itself knows that the time is up.
    page.page.route("**/api/events*", lambda route: route.abort())
    service.advance(600)
    page.skip(601)
    expect(page.bars("B1")).to_have_count(0)
    page.shows("The service has not responded since")
    page.page.unroute("**/api/events*")
    page.skip(120)
    page.is_back()
    page.click("Confirm", page.panel)
    page.shows("The hold expired at")
    page.click("Allocate again")
    expect(page.panel.locator("[name=description]")).to_have_value("offer")
    page.submit()
    expect(page.bars("B1")).to_have_text("offer")
    assert stored(client, car) == [("08:00", "10:00", "booking", "offer")]


@pytest.mark.one_engine
def test_a_hold_is_counted_down_and_let_go_and_taken_back(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "12:00", description="offer", hold_seconds=3600)
    page = open_page(DAY, has_clock=True)
    expect(page.bars("B1")).to_have_text(re.compile("^held (59:[0-9]{2}|1:00:00)$"))
    page.skip(1200)
    expect(page.bars("B1")).to_have_text(re.compile("^held (3[789]:[0-9]{2}|40:00|59:.*)$"))
    page.bars("B1").click()
    page.click("Let go", page.panel)
    page.shows("The hold is gone.")
    expect(page.bars("B1")).to_have_count(0)
    assert stored(client, car) == []
    page.click("Undo")
    expect(page.bars("B1")).to_have_class(re.compile("held"))
    [row] = client.get(f"{car}/allocations").json
    assert (row["status"], row["description"]) == ("held", "offer")
