"""What is shown when something is missing or slow, and the numbers about the fleet."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine


def test_rows_are_shown_before_their_bars(open_page, register, allocate):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    page = open_page("day=2099-02-01&span=1")
    expect(page.row("B1")).to_be_visible()
    release = page.hold_request("**/all/allocations?resource_id*")
    page.go(DAY)
    expect(page.row("B1")).to_have_class(re.compile("loading"))
    expect(page.find("#grid")).to_have_attribute("aria-busy", "true")
    expect(page.find("#position")).to_have_text("Loading…")
    release()
    expect(page.bars("B1")).to_have_text("trip")
    expect(page.find("#grid")).to_have_attribute("aria-busy", "false")
    expect(page.find("#position")).to_have_text("1–1 of 1")


def test_a_name_that_is_pressed_while_the_bars_arrive_opens_the_vehicle(open_page, register, allocate):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    page = open_page("day=2099-02-01&span=1")
    release = page.hold_request("**/all/allocations?resource_id*")
    page.go(DAY)
    expect(page.row("B1")).to_have_class(re.compile("loading"))
    page.row("B1").locator(".name button").hover()
    page.page.mouse.down()
    release()
    expect(page.bars("B1")).to_have_text("trip")
    page.page.mouse.up()
    expect(page.find("#panel-title")).to_have_text("B1")


def test_the_last_allocation_is_offered_in_an_empty_window(open_page, client, register):
    car = register("B1")
    period = {"from_datetime": "2019-03-31T08:00:00Z", "to_datetime": "2019-03-31T09:00:00Z"}
    assert client.post(f"{car}/allocations", json=period).status_code == 201
    page = open_page(DAY)
    page.shows("Nothing allocated on Mon 2 Mar 2099")
    page.click("Go to the last allocation, Sun 31 Mar 2019")
    expect(page.bars("B1")).to_have_count(1)
    expect(page.find("#day")).to_have_value("2019-03-31")
    expect(page.find("#empty")).to_be_hidden()


def test_an_empty_fleet_says_how_to_begin_for_each_type(open_page):
    page = open_page(DAY)
    for name in ("cars", "lorries", "trucks"):
        page.find(f"#types [data-type={name}]").click()
        page.shows(f"No {name} yet.")
        page.shows("invsys-manage demo")
        page.click("Add the first one")
        page.shows(f"Add to {name}")


def test_what_was_missing_is_not_said_any_more(open_page, client, register, allocate):
    page = open_page(DAY, has_clock=True)
    page.click("Add the first one")
    page.fill("name", "B1")
    page.submit()
    page.shows("B1 is in circulation.")
    expect(page.find("#empty")).not_to_contain_text("No cars yet.")
    page.shows("Nothing allocated on Mon 2 Mar 2099")
    [vehicle] = client.get("/api/cars").json
    allocate(f"/api/cars/{vehicle['id']}", "08:00", "10:00", description="trip")
    page.skip(6)
    expect(page.bars("B1")).to_have_text("trip")
    expect(page.find("#empty")).to_be_hidden()
    page.open_vehicle("B1")
    page.shows("Allocations of this window")


def test_without_scripts_the_page_links_to_the_list(open_page, register):
    register("B1")
    page = open_page(DAY, java_script_enabled=False)
    page.find("noscript a").click()
    expect(page.find("body")).to_contain_text("B1")
    assert page.page.url.endswith("/table")


def test_an_address_that_does_not_exist_is_a_page_for_browsers(open_page, register):
    page = open_page(DAY)
    page.page.goto(f"{page.base}/nothing")
    expect(page.find("h1")).to_be_visible()
    expect(page.find("body")).not_to_contain_text('"status"')


def test_the_line_of_the_present_and_the_past(open_page, service, register, allocate):
    allocate(register("B1"), "08:00", "10:00", description="trip")
    service.set_clock("2099-03-02T09:00:00+00:00")
    page = open_page(DAY)
    box = page.bars("B1").bounding_box()
    now = page.find("#lines .now").bounding_box()
    assert now["x"] == pytest.approx(box["x"] + box["width"] / 2, abs=2)
    past = page.find("#lines .past").bounding_box()
    assert past["x"] + past["width"] == pytest.approx(now["x"], abs=2)
    header = page.row("B1").locator("[role=rowheader]")
    expect(header).to_have_attribute("aria-description", re.compile("^1 allocation, in use now until .*10:00$"))
    page.click("Later")
    expect(page.find("#lines .now")).to_have_count(0)
    expect(page.find("#lines .past")).to_have_count(0)
    page.click("Today")
    expect(page.find("#day")).to_have_value("2099-03-02")


def test_open_ends_have_an_arrow_and_kinds_have_a_look(open_page, client, register, allocate):
    car = register("B1")
    body = {"from_infinity": True, "to_datetime": "2099-03-02T04:00:00Z", "description": "since ever"}
    assert client.post(f"{car}/allocations", json=body).status_code == 201
    allocate(car, "05:00", "08:00", allocation_type="maintenance")
    allocate(car, "09:00", "12:00", allocation_type="cleaning")
    allocate(car, "13:00", "16:00", hold_seconds=3600)
    allocate(car, "20:00", None, description="open")
    page = open_page(DAY)
    expect(page.bars("B1")).to_have_count(5)
    expected = ["booking open-start", "maintenance", "other", "booking held", "booking open-end"]
    for bar, classes in zip(page.bars("B1").all(), expected, strict=True):
        for name in classes.split():
            expect(bar).to_have_class(re.compile(rf"\b{name}\b"))
    first, last = page.bars("B1").first, page.bars("B1").last
    assert first.get_attribute("aria-label") == "since ever, booking, since ever to Monday 2 March 04:00"
    arrow = "(bar, side) => getComputedStyle(side === 'end' ? bar : bar.querySelector('span'), '::after').content"
    assert (first.evaluate(arrow, "start"), last.evaluate(arrow, "end")) == ('"◀"', '"▶"')
    expect(page.bars("B1").nth(1).locator("svg")).to_be_visible()


def test_narrow_bars_have_no_text_and_do_not_overlap(open_page, register, allocate):
    car = register("B1")
    for minute in range(0, 60, 6):
        end = f"08:{minute + 6:02}" if minute < 54 else "09:00"
        allocate(car, f"08:{minute:02}", end, description="stop")
    page = open_page(DAY)
    expect(page.bars("B1")).to_have_text([""] * 10)
    boxes = [bar.bounding_box() for bar in page.bars("B1").all()]
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"] + 0.5
    # A bar without room for edges is moved, never resized.
    page.bars("B1").nth(4).hover()
    expect(page.bars("B1").nth(4)).not_to_have_class(re.compile("edge"))
    page.open_vehicle("B1")
    expect(page.panel.get_by_role("button", name="Show")).to_have_count(10)


def test_utilisation_is_drawn_listed_and_remembered(open_page, register, allocate):
    first = register("B1")
    for name in ("B2", "B3", "B4"):
        register(name)
    allocate(first, "00:00", "12:00")
    allocate(first, "12:00", "18:00", allocation_type="maintenance")
    page = open_page(DAY)
    expect(page.find("#counts")).to_have_text(re.compile("^0 of . allocated now$"))
    calls = []
    page.page.on("request", lambda request: calls.append(request.url) if "/utilisation?" in request.url else None)
    page.find("#utilisation > summary").click()
    expect(page.find("#chart svg polygon")).to_have_count(4)
    expect(page.find("#chart svg polyline")).to_have_count(1)
    chart, track = page.find("#chart svg").bounding_box(), page.row("B1").locator(".track").bounding_box()
    assert chart["x"] == pytest.approx(track["x"], abs=2)
    assert chart["width"] == pytest.approx(track["width"], abs=2)
    page.find("#chart summary").click()
    cells = page.find("#chart tbody tr").locator("th, td")
    expect(cells).to_have_text(["Mon 2 Mar 2099", "0", "0.8", "1", "19 %"])
    assert len(calls) == 1
    page.click("Week")
    expect(page.find("#chart tbody tr")).to_have_count(7)
    assert len(calls) == 2
    page.page.reload()
    expect(page.find("#chart svg polygon")).to_have_count(4)
    page.find("#utilisation > summary").click()
    # The browser reports the change a moment later.
    page.page.wait_for_function("localStorage.getItem('invsys-utilisation') === '0'")
    page.page.reload()
    expect(page.find("#counts")).to_have_text(re.compile("^0 of . allocated now$"))
    expect(page.find("#utilisation")).not_to_have_attribute("open", "")
