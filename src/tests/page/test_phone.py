"""A telephone: fingers, a narrow window, and every flow within its width."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, PHONE

pytestmark = pytest.mark.one_engine


class Finger:
    """A finger on the screen of a page."""

    def __init__(self, page):
        self._session = page.context.new_cdp_session(page.page)

    def send(self, kind, *points):
        touches = [{"x": x, "y": y} for x, y in points]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def swipe(self, start, end):
        """Move without waiting, as for scrolling."""
        self.send("touchStart", start)
        for part in range(1, 6):
            self.send("touchMove", tuple(a + (b - a) * part / 5 for a, b in zip(start, end, strict=True)))
        self.send("touchEnd")


def tap(page, locator):
    """Tap on an element; however slow the machine is, this is no long press."""
    with page.stopped_time():
        locator.tap()


def test_a_tap_and_a_long_press_allocate(open_page, client, register):
    car = register("B1")
    page = open_page(DAY, has_clock=True, **PHONE)
    place = page.point("B1", 9.5)
    with page.stopped_time():
        page.page.touchscreen.tap(*place)
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T09:00")
    page.click("+15 min", page.panel)
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T09:15")
    page.panel.get_by_role("button", name="+15 min").nth(1).click()
    page.panel.get_by_role("button", name="−15 min").first.click()
    page.submit()
    expect(page.bars("B1")).to_have_count(1)
    page.click("Close", page.panel)
    # A bar that is tapped shows its details.
    tap(page, page.bars("B1"))
    page.shows("Cancel allocation")
    page.click("Close", page.panel)
    finger = Finger(page)
    x, y = page.point("B1", 12.05)
    finger.send("touchStart", (x, y))
    expect(page.find(".ghost")).to_have_count(1)
    finger.send("touchMove", (page.point("B1", 14)[0], y))
    finger.send("touchEnd")
    expect(page.panel.locator("[name=to_datetime]")).to_have_value("2099-03-02T14:00")
    page.submit()
    expect(page.bars("B1")).to_have_count(2)
    periods = [
        (row["from_datetime"][11:16], row["to_datetime"][11:16]) for row in client.get(f"{car}/allocations").json
    ]
    assert periods == [("09:00", "10:15"), ("12:00", "14:00")]


def test_a_long_press_moves_a_bar_and_a_swipe_scrolls(open_page, client, register, allocate):
    cars = [register(f"B{number:02}") for number in range(40)]
    allocate(cars[0], "08:00", "12:00", description="trip")
    page = open_page(DAY, has_clock=True, **PHONE)
    finger = Finger(page)
    x, y = page.point("B00", 10)
    finger.send("touchStart", (x, y))
    expect(page.find(".ghost")).to_have_count(1)
    finger.send("touchMove", (x + 40, page.point("B01", 10)[1]))
    finger.send("touchMove", (page.point("B00", 14)[0], page.point("B01", 10)[1]))
    finger.send("touchEnd")
    page.shows("Moved to B01, Mon 2 Mar 2099 12:00 – 16:00.")
    [row] = client.get(f"{cars[1]}/allocations").json
    assert row["from_datetime"] == "2099-03-02T12:00:00Z"
    start, end = page.point("B08", 12), page.point("B02", 12)
    with page.stopped_time():
        finger.swipe(start, end)
    expect(page.find("#grid")).not_to_have_js_property("scrollTop", 0)
    expect(page.panel).to_be_hidden()
    expect(page.find(".ghost")).to_have_count(0)
    assert len(client.get("/api/cars/all/allocations").json) == 1


@pytest.fixture
def page(open_page, register, allocate):
    """A phone with two vehicles; the first has a long note and a hold."""
    car = register("Transit 1", attributes={"city": "Leeds", "seats": 5, "towing hitch": True})
    register("Transit 2")
    allocate(car, "08:00", "12:00", description="to the airport with six people and their luggage", reference="PO-4711")
    allocate(car, "13:00", "15:00", hold_seconds=3600)
    page = open_page(DAY, has_clock=True, **PHONE)
    expect(page.bars("Transit 1")).to_have_count(2)
    return page


def test_the_timeline_and_its_panels_fit_into_the_width(page):
    track = page.row("Transit 1").locator(".track").bounding_box()
    assert track["width"] > 370
    assert page.overflow() <= 0
    tap(page, page.bars("Transit 1").first)
    page.shows("PO-4711")
    assert page.overflow() <= 0
    page.click("Edit…", page.panel)
    assert page.overflow() <= 0
    page.click("Close", page.panel)
    tap(page, page.bars("Transit 1").nth(1))
    page.click("Confirm", page.panel)
    page.shows("Confirmed.")
    assert page.overflow() <= 0
    page.click("Close", page.panel)
    page.open_vehicle("Transit 1")
    page.click("Out of service…", page.panel)
    page.shows("Transit 1: out of service")
    assert page.overflow() <= 0
    page.click("Close", page.panel)
    page.open_vehicle("Transit 1")
    page.click("Take out of circulation…", page.panel)
    assert page.overflow() <= 0
    page.click("Take it out")
    page.shows("Transit 1 is in use")
    assert page.overflow() <= 0


def test_the_toolbar_and_its_forms_fit_into_the_width(page):
    page.find("#type-list").select_option("lorries")
    page.shows("No lorries yet.")
    assert page.overflow() <= 0
    page.find("#type-list").select_option("cars")
    for scale in ("Week", "4 weeks", "Day"):
        page.click(scale)
        expect(page.bars("Transit 1")).to_have_count(2)
        assert page.overflow() <= 0
    page.find("#more").click()
    page.click("Add vehicle…")
    page.click("+ attribute", page.panel)
    assert page.overflow() <= 0
    page.fill("name", "Transit 1")
    page.submit()
    page.shows("Another one has this name.")
    assert page.overflow() <= 0
    page.click("Close", page.panel)
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T11:00")
    page.submit()
    page.shows("1 free")
    assert page.overflow() <= 0
    page.click("Any of them")
    page.submit()
    page.shows("Transit 2: allocated.")
    page.find("#chips button").click()
    page.click("Close", page.panel)
    page.find("#utilisation summary").first.click()
    page.find("#chart summary").click()
    assert page.overflow() <= 0
