"""How it looks: accessibility, zones and clock changes, phones, odd texts and addresses."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WIDE = "\u1f66\u4e00" * 18


def assert_accessible(page):
    """Check the rules of axe-core (WCAG and best practices)."""
    violations = Axe().run(page.page).response["violations"]
    assert [(item["id"], item["nodes"][0]["html"]) for item in violations] == []


@pytest.fixture
def fleet(register, allocate):
    """B1 with a booking, a maintenance, a hold and an open end; B2 is free."""
    car = register("B1", attributes={"city": "Leeds"})
    allocate(car, "02:00", "06:00", description="trip")
    allocate(car, "07:00", "09:00", allocation_type="maintenance")
    allocate(car, "10:00", "12:00", allocation_type="cleaning")
    allocate(car, "13:00", "15:00", hold_seconds=3600)
    allocate(car, "20:00", None)
    register("B2")
    return car


@pytest.mark.parametrize(
    "context", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}, PHONE], ids=str
)
@pytest.mark.usefixtures("fleet")
def test_every_state_is_accessible(open_page, context):
    page = open_page(DAY, **context)
    expect(page.bars("B1")).to_have_count(5)
    assert_accessible(page)
    page.find("#utilisation > summary").click()
    page.find("#chart summary").click()
    assert_accessible(page)
    page.find("#utilisation > summary").click()
    page.bars("B1").nth(3).click()
    page.shows("+15 min")
    assert_accessible(page)
    page.click("Close", page.panel)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    assert_accessible(page)
    page.fill("to_datetime", "2099-03-03T09:00")
    page.submit()
    page.shows("B1 is taken")
    assert_accessible(page)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "instants"),
    [
        ("Europe/London", "2026-03-29", 23, ("2026-03-29T08:00Z", "2026-03-29T09:00Z")),
        ("Europe/London", "2026-10-25", 25, ("2026-10-25T09:00Z", "2026-10-25T10:00Z")),
        ("America/Chicago", "2026-03-08", 23, ("2026-03-08T14:00Z", "2026-03-08T15:00Z")),
        ("America/Chicago", "2026-11-01", 25, ("2026-11-01T15:00Z", "2026-11-01T16:00Z")),
        ("Asia/Kolkata", "2026-03-29", 24, ("2026-03-29T03:30Z", "2026-03-29T04:30Z")),
    ],
)
def test_bars_stand_at_the_local_hour_also_when_the_clocks_change(
    open_page, client, register, zone, day, hours, instants
):
    car = register("B1")
    start, end = instants
    assert client.post(f"{car}/allocations", json={"from_datetime": start, "to_datetime": end}).status_code == 201
    page = open_page(f"day={day}&span=1", timezone_id=zone)
    label = page.bars("B1").get_attribute("aria-label")
    assert label.endswith("09:00 to 10:00")
    box, track = page.bars("B1").bounding_box(), page.row("B1").locator(".track").bounding_box()
    assert box["width"] == pytest.approx(track["width"] / hours, abs=1)
    tick = page.find(".tick", has_text=re.compile("^10:00")).bounding_box()
    assert box["x"] + box["width"] == pytest.approx(tick["x"], abs=1)
    page.bars("B1").click()
    page.click("Edit…", page.panel)
    expect(page.panel.locator("[name=from_datetime]")).to_have_value(f"{day}T09:00")


def test_a_phone_allocates_by_a_tap_and_by_a_long_press(open_page, client, register):
    car = register("B1")
    page = open_page(DAY, **PHONE)
    x, y = page.point("B1", 9.5)
    page.page.touchscreen.tap(x, y)
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T09:00")
    page.click("+15 min", page.panel)
    page.submit()
    expect(page.bars("B1")).to_have_count(1)
    assert page.page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("Close", page.panel)
    touches = page.context.new_cdp_session(page.page)
    x, y = page.point("B1", 12.05)
    touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    expect(page.find(".ghost")).to_have_count(1)
    end = {"x": page.point("B1", 14)[0], "y": y}
    touches.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [end]})
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.panel.locator("[name=to_datetime]")).to_have_value("2099-03-02T14:00")
    assert len(client.get(f"{car}/allocations").json) == 1


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "🚚🚚🚚", "شاحنة 12", "W" * 36, WIDE, "{{ 7*7 }}", "a&amp;b"]
)
def test_any_text_is_shown_as_text_and_breaks_nothing(open_page, register, allocate, text):
    allocate(register(text, attributes={text: text}), "08:00", "18:00", description=text)
    page = open_page(DAY, **PHONE)
    expect(page.find(".row .name bdi").first).to_have_text(text)
    expect(page.bars(text)).to_have_text(text)
    page.bars(text).click()
    expect(page.find("#panel-title")).to_have_text(text)
    assert page.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    "query",
    [
        "type=ships",
        "day=2026-02-30",
        "day=x",
        "span=3",
        "find=" + "x" * 40,
        "free=x/y",
        "colour=red",
        "type=constructor",
    ],
)
def test_a_wrong_address_shows_the_page_with_a_sentence(open_page, register, query):
    register("B1")
    page = open_page(query)
    page.shows(f"this page does not know, and ignores: {query.partition('=')[0]}.")
    expect(page.row("B1")).to_be_visible()


def test_the_last_allocation_is_offered_in_an_empty_window(open_page, client, register):
    car = register("B1")
    period = {"from_datetime": "2019-03-31T08:00:00Z", "to_datetime": "2019-03-31T09:00:00Z"}
    assert client.post(f"{car}/allocations", json=period).status_code == 201
    page = open_page()
    page.click("Go to the last allocation, Sun 31 Mar 2019")
    expect(page.bars("B1")).to_have_count(1)
    expect(page.find("#day")).to_have_value("2019-03-31")
