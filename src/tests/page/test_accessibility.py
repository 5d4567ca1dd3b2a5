"""The rules of axe-core (WCAG and best practices) in every state of the page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.page.test_access import READ, gateway
from tests.support.fleet_page import DAY, PHONE

pytestmark = pytest.mark.one_engine

LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark", "reduced_motion": "reduce"}
looks = pytest.mark.parametrize("context", [LIGHT, DARK, PHONE], ids=["light", "dark", "phone"])
# Returns the visible targets of less than 24 pixels (WCAG 2.5.8); bars are as wide as their time.
SMALL = """() => [...document.querySelectorAll("button, summary, select, input:not([type=checkbox])")]
    .filter((element) => element.checkVisibility())
    .filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return height > 0 && (height < 23.5 || (width < 23.5 && !element.classList.contains("bar")));
    })
    .map((element) => element.outerHTML.slice(0, 100))"""


def check(page, state):
    """Check the rules of axe-core, that nothing is wider than the window, and that targets are large enough."""
    violations = Axe().run(page.page).response["violations"]
    assert [(state, item["id"], item["nodes"][0]["html"]) for item in violations] == []
    assert page.overflow() <= 0, state
    assert (state, page.page.evaluate(SMALL)) == (state, [])


@pytest.fixture
def fleet(register, allocate):
    """B1 with a booking, a maintenance, another kind, a hold and an open end; B2 is free."""
    car = register("B1", attributes={"city": "Leeds"})
    allocate(car, "02:00", "06:00", description="trip")
    allocate(car, "07:00", "09:00", allocation_type="maintenance")
    allocate(car, "10:00", "12:00", allocation_type="cleaning")
    allocate(car, "13:00", "15:00", hold_seconds=3600)
    allocate(car, "20:00", None)
    register("B2")
    return car


@looks
@pytest.mark.usefixtures("fleet")
def test_every_panel_is_accessible(open_page, context):
    page = open_page(DAY, **context)
    expect(page.bars("B1")).to_have_count(5)
    check(page, "timeline")
    page.find("#utilisation > summary").click()
    page.find("#chart summary").click()
    check(page, "utilisation")
    page.find("#utilisation > summary").click()
    page.bars("B1").nth(3).click()
    page.shows("+15 min")
    check(page, "hold")
    page.click("Edit…", page.panel)
    check(page, "edit an allocation")
    page.click("Close", page.panel)
    page.bars("B1").nth(1).click()
    page.shows("Back in service now")
    check(page, "maintenance")
    page.click("Close", page.panel)
    page.open_vehicle("B1")
    page.shows("Allocations of this window")
    check(page, "vehicle")
    page.click("Edit…", page.panel)
    check(page, "edit a vehicle")
    page.click("Close", page.panel)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.panel.locator("summary").click()
    check(page, "allocate")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T08:00")
    page.submit()
    page.shows("Must be after the start.")
    check(page, "field with an error")
    page.fill("to_datetime", "2099-03-03T09:00")
    page.submit()
    page.shows("B1 is taken")
    expect(page.find(".bar.ring").first).to_be_visible()
    check(page, "conflict")


@looks
@pytest.mark.usefixtures("fleet")
def test_every_dialog_form_and_message_is_accessible(open_page, context):
    page = open_page(DAY, **context)
    is_phone = context is PHONE
    if is_phone:
        page.click("Search and actions")
    page.find("#filter summary").click()
    check(page, "filter")
    page.find("#filter summary").click()
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T05:00")
    page.fill("to_datetime", "2099-03-02T07:00")
    check(page, "find a free one")
    page.submit()
    page.shows("1 free")
    check(page, "free ones")
    page.click("Close", page.panel)
    page.find("#chips button").click()
    page.open_vehicle("B2")
    page.click("Out of service…", page.panel)
    page.shows("B2: out of service")
    check(page, "out of service")
    page.submit()
    page.shows("B2: allocated.")
    check(page, "message")
    page.click("Close", page.panel)
    page.open_vehicle("B1")
    page.click("Take out of circulation…", page.panel)
    page.shows("Take B1 out of circulation?")
    check(page, "question")
    page.click("Take it out")
    page.shows("B1 is in use")
    check(page, "in use")
    page.click("Close", page.panel)
    page.click("? Keys")
    page.shows("Keys in the timeline")
    check(page, "keys")
    page.press("Escape")
    if not is_phone:
        page.click("Add vehicle…")
        page.fill("name", "B1")
        page.submit()
        page.shows("Another one has this name.")
        check(page, "name taken")
    page.context.set_offline(True)
    page.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.shows("The service has not responded since")
    check(page, "offline")


@looks
def test_every_empty_state_is_accessible(open_page, app, tmp_path, register, context):
    with gateway(app, tmp_path, [*READ, "resources:write", "allocations:write"]) as (url, key):
        page = open_page(DAY, base=url, secret=None, **context)
        field = page.page.get_by_label("API key", exact=True)
        field.fill("wrong")
        page.press("Enter")
        page.shows("Not accepted.")
        check(page, "key")
        field.fill(key)
        page.press("Enter")
        page.shows("No cars yet.")
        check(page, "no vehicle")
        register("B1")
        page.go(f"{DAY}&find=Z")
        page.shows("No car’s name begins with Z.")
        check(page, "no match")
        page.go(f"{DAY}&colour=red")
        page.shows("Nothing allocated on")
        page.shows("ignores: colour.")
        check(page, "nothing in the window")
        if context is not PHONE:
            page.find("#account summary").click()
            page.shows("Forget the key")
            check(page, "account")


@pytest.mark.usefixtures("fleet")
def test_forced_colours_keep_the_borders_of_bars(open_page):
    page = open_page(DAY, forced_colors="active")
    expect(page.bars("B1")).to_have_count(5)
    styles = [bar.evaluate("(bar) => getComputedStyle(bar).borderStyle") for bar in page.bars("B1").all()]
    assert styles == ["solid", "solid", "solid", "dashed", "solid"]
    check(page, "forced colours")


@pytest.mark.usefixtures("fleet")
def test_the_grid_has_its_roles_and_labels(open_page, register):
    for number in range(40):
        register(f"C{number:02}")
    page = open_page(DAY)
    expect(page.bars("B1")).to_have_count(5)
    grid = page.find("#grid")
    for name, value in {"role": "grid", "aria-rowcount": "43", "aria-colcount": "2", "aria-busy": "false"}.items():
        expect(grid).to_have_attribute(name, value)
    expect(page.row("B2")).to_have_attribute("aria-rowindex", "3")
    expect(page.row("B1").locator("[role=rowheader]")).to_have_attribute(
        "aria-description", "5 allocations, free now until Mon 2 Mar 2099 02:00"
    )
    assert page.find("[role=gridcell][aria-label]").count() == 0
    labels = [bar.get_attribute("aria-label") for bar in page.bars("B1").all()]
    assert labels[0] == "trip, booking, Monday 2 March 02:00 to 06:00"
    assert labels[3].startswith("no note, booking, Monday 2 March 13:00 to 15:00, held until ")
    assert labels[4] == "no note, booking, Monday 2 March 20:00 until further notice"
    for region, role in (("#done", "status"), ("#refused", "alert"), ("#connection", "status")):
        expect(page.find(region)).to_have_attribute("role", role)
    panel = page.find("#panel")
    page.bars("B1").first.click()
    expect(panel).to_have_attribute("aria-labelledby", "panel-title")
    expect(page.find("#panel-title")).to_be_focused()
    page.press("Escape")
    expect(page.bars("B1").first).to_be_focused()
    page.press("Control+End")
    expect(page.row("C39")).to_have_attribute("aria-rowindex", "43")
