"""What happens meanwhile: changes by others, a service that is away, limits."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.page.test_access import READ, gateway
from tests.support.fleet_page import DAY

# Longer than the page waits between two polls of the feed.
POLL = 6


@pytest.mark.through_gateway
def test_a_second_browser_sees_what_the_first_does(open_page, register):
    register("B1")
    first, second = open_page(DAY), open_page(DAY, has_clock=True)
    expect(second.row("B1")).to_be_visible()
    first.drag(first.point("B1", 8), first.point("B1", 10))
    first.type("shared")
    first.press("Enter")
    first.shows("B1: allocated.")
    second.skip(POLL)
    expect(second.bars("B1")).to_have_text("shared")
    first.drag(first.point("B1", 9), first.point("B1", 15))
    first.shows("Moved to")
    second.skip(POLL)
    expect(second.bars("B1")).to_have_attribute("aria-label", "shared, booking, Monday 2 March 14:00 to 16:00")
    first.click("Add vehicle…")
    first.fill("name", "A0")
    first.submit()
    first.shows("A0 is in circulation.")
    second.skip(POLL)
    expect(second.find(".row").first).to_contain_text("A0")
    first.bars("B1").click()
    first.click("Cancel allocation", first.panel)
    first.shows("Cancelled.")
    first.open_vehicle("A0")
    first.click("Take out of circulation…", first.panel)
    first.click("Take it out")
    first.shows("A0 is out of circulation.")
    second.skip(POLL)
    expect(second.find(".row")).to_have_count(1)
    expect(second.bars("B1")).to_have_count(0)


@pytest.mark.one_engine
def test_lists_may_be_some_seconds_old_unless_they_would_lack_a_change(open_page, register):
    register("B1")
    page = open_page("day=2099-02-01&span=1", has_clock=True)

    def set_clock(minutes):
        """Stop the clock at a minute; timers still fire."""
        page.page.clock.set_fixed_time(datetime(2098, 1, 1, 12, minutes, tzinfo=UTC))

    def cache_control():
        with page.page.expect_request("**/allocations?resource_id=*") as request:
            page.click("Later")
        # As sent: browsers add no-cache to requests that bypass their own cache.
        return request.value.all_headers()["cache-control"]

    set_clock(minutes=0)
    page.go(DAY)
    expect(page.row("B1")).to_be_visible()
    assert cache_control() == "no-cache"  # the feed has just begun
    set_clock(minutes=1)
    assert cache_control() == "max-age=10"
    expect(page.row("B1")).to_be_visible()
    page.drag(page.point("B1", 8), page.point("B1", 10))
    page.type("mine")
    page.press("Enter")
    page.shows("B1: allocated.")
    assert cache_control() == "no-cache"


@pytest.mark.one_engine
def test_a_change_by_another_is_shown_in_the_open_details_and_nothing_typed_is_lost(
    open_page, client, register, allocate
):
    car, other = register("B1"), register("B2")
    row = allocate(car, "08:00", "11:00", description="trip")
    second = allocate(other, "08:00", "11:00", description="hers")
    page = open_page(DAY, has_clock=True)
    page.bars("B1").click()
    page.shows("Cancel allocation")
    url = f"/api/cars/all/allocations/{row['id']}"
    assert client.patch(url, json={"from_datetime": "2099-03-02T09:00:00Z", "description": "later"}).status_code == 200
    page.skip(POLL)
    expect(page.bars("B1")).to_have_text("later")
    expect(page.bars("B1")).to_have_class(re.compile("pulse"))
    expect(page.find("#panel-title")).to_have_text("later")
    expect(page.panel).to_contain_text(re.compile(r"Changed\s*by somebody, [0-2][0-9]:[0-5][0-9]"))
    expect(page.panel).to_contain_text("Mon 2 Mar 2099 09:00 – 11:00")
    # The buttons act on the newest state.
    page.click("Edit…", page.panel)
    page.fill("description", "typed while others work")
    assert client.patch(f"/api/cars/all/allocations/{second['id']}", json={"description": "his"}).status_code == 200
    page.skip(POLL)
    expect(page.bars("B2")).to_have_text("his")
    expect(page.panel.locator("[name=description]")).to_have_value("typed while others work")
    expect(page.panel.locator("[name=description]")).to_be_focused()
    page.submit()
    page.shows("Saved.")
    # What is open is cancelled by another.
    assert client.delete(url).status_code == 204
    page.skip(POLL)
    expect(page.bars("B1")).to_have_count(0)
    expect(page.panel.get_by_role("button", name="Cancel allocation")).to_have_count(0)


@pytest.mark.one_engine
def test_an_open_vehicle_follows_the_changes_by_others(open_page, client, register, allocate):
    car = register("B1", attributes={"city": "York"})
    page = open_page(DAY, has_clock=True)
    page.open_vehicle("B1")
    page.shows("Nothing allocated in this window")
    allocate(car, "08:00", "11:00", description="new")
    assert client.patch(car, json={"name": "B7", "attributes": {"city": "Hull"}}).status_code == 200
    page.skip(POLL)
    expect(page.row("B7")).to_contain_text("Hull")
    expect(page.find("#panel-title")).to_have_text("B7")
    expect(page.panel).to_contain_text("new, booking, Mon 2 Mar 2099 08:00 – 11:00")


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_a_browser_that_is_offline_loses_nothing_that_was_typed(open_page, client, register):
    car = register("B1")
    page = open_page(DAY, has_clock=True)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("description", "typed before")
    # A response that is still on its way would say that the service is there.
    page.page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.skip(POLL)
    page.shows("The service has not responded since")
    expect(page.find("#live")).to_have_text("not live")
    expect(page.find("#connection")).to_contain_text(re.compile(r"Trying again in \d+ s"))
    page.panel.locator("[name=description]").press("Enter")
    page.shows("Your text stays here")
    expect(page.panel.locator("button.primary")).to_have_attribute("aria-disabled", "true")
    page.drag(page.point("B1", 12), page.point("B1", 14), drop=False)
    expect(page.find(".ghost")).to_have_count(1)
    page.page.mouse.up()
    page.context.set_offline(False)
    page.click("Now")
    page.is_back()
    page.submit()
    expect(page.bars("B1")).to_have_attribute("aria-label", "typed before, booking, Monday 2 March 08:00 to 09:00")
    assert len(client.get(f"{car}/allocations").json) == 1


@pytest.mark.one_engine
def test_an_inventory_that_stops_behind_the_gateway_is_said_and_its_changes_come_later(
    open_page, service, tmp_path, register, allocate
):
    car = register("B1")
    with gateway(service.inventory, tmp_path, [*READ, "allocations:write"]) as (url, key):
        page = open_page(DAY, base=url, secret=key, has_clock=True)
        expect(page.row("B1")).to_be_visible()
        service.is_away = True
        page.skip(POLL)
        page.shows("The service has not responded since")
        # The waits become longer: after the second failure 10 seconds.
        page.skip(POLL)
        expect(page.find("#connection")).to_contain_text(re.compile(r"Trying again in (10|9|[6-8]) s"))
        allocate(car, "08:00", "11:00", description="meanwhile")
        service.is_away = False
        page.skip(2 * POLL)
        page.is_back()
        expect(page.bars("B1")).to_have_text("meanwhile")
        expect(page.find("#live")).to_have_text("live")
        page.skip(POLL)
        expect(page.find("#connection")).to_be_hidden()


@pytest.mark.one_engine
def test_the_page_opens_while_the_service_is_away(open_page, service, register, allocate):
    allocate(register("B1"), "08:00", "11:00", description="trip")
    page = open_page("day=2099-03-03&span=1", has_clock=True)
    expect(page.row("B1")).to_be_visible()
    pattern = re.compile("/api/")
    page.page.route(pattern, lambda route: route.abort())
    page.go(DAY)
    page.shows("The service has not responded since")
    page.page.unroute(pattern)
    page.skip(POLL)
    page.is_back()
    expect(page.bars("B1")).to_have_text("trip")


@pytest.mark.one_engine
def test_a_limit_is_said_and_waited_for(open_page, client, register):
    car = register("B1")
    page = open_page(DAY, has_clock=True)
    expect(page.row("B1")).to_be_visible()
    # Another response would end the state at once.
    page.page.wait_for_load_state("networkidle")
    page.page.route("**/api/events*", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}), times=1)
    page.skip(POLL)
    page.shows("Too many requests; going on in")
    page.skip(8)
    page.is_back()
    # A write meets the limit too; its text stays.
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("description", "patient")
    page.page.route("**/allocations", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}), times=1)
    page.submit()
    page.shows("Too many requests; try again in 7 s.")
    page.skip(8)
    page.is_back()
    page.submit()
    page.shows("B1: allocated.")
    assert [row["description"] for row in client.get(f"{car}/allocations").json] == ["patient"]


@pytest.mark.one_engine
def test_a_feed_that_starts_anew_loads_the_window_again(open_page, register, allocate):
    car = register("B1")
    page = open_page(DAY, has_clock=True)
    expect(page.row("B1")).to_be_visible()
    body = '{"status": 410, "code": "cursor_expired", "title": "The cursor has expired"}'
    gone = {"status": 410, "body": body, "content_type": "application/problem+json"}
    page.page.route("**/api/events?after=*", lambda route: route.fulfill(**gone), times=1)
    allocate(car, "08:00", "11:00", description="missed")
    page.skip(POLL)
    page.skip(2 * POLL)
    expect(page.find("#live")).to_have_text("live")
    expect(page.bars("B1")).to_have_text("missed")
