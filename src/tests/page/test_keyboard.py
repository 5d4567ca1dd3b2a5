"""The keyboard alone: every act has its key, and the grid is one stop of the Tab key."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine


def enter_grid(page):
    """Move the focus into the grid, as Tab does."""
    expect(page.find("#grid [tabindex='0']")).to_have_count(1)
    page.find("#grid [tabindex='0']").focus()


def test_an_allocation_is_made_moved_and_cancelled(open_page, client, register):
    first, second = register("A1"), register("A2")
    page = open_page(DAY)
    enter_grid(page)
    page.press("ArrowDown", "ArrowUp", "n")
    page.page.keyboard.type("by keys")
    page.press("Enter")
    expect(page.bars("A1")).to_have_count(1)
    page.press("Escape")
    assert page.focused() == "by keys, booking, Monday 2 March 08:00 to 09:00"
    page.press("Alt+ArrowRight", "Alt+ArrowRight", "Alt+Shift+ArrowRight")
    page.shows("Moved to Mon 2 Mar 2099 08:30 – 09:45.")
    assert len(client.get("/api/events?kind=allocation_changed").json["events"]) == 1
    page.press("Alt+ArrowDown")
    page.shows("Moved to A2")
    assert page.focused() == "by keys, booking, Monday 2 March 08:30 to 09:45"
    page.press("Delete")
    page.shows("Cancelled.")
    expect(page.bars("A2")).to_have_count(0)
    assert [client.get(f"{url}/allocations").json for url in (first, second)] == [[], []]


def test_arrows_go_from_bar_to_bar_and_from_row_to_row(open_page, register, allocate):
    for name in ("A1", "A2"):
        car = register(name)
        for hour in ("08", "12"):
            allocate(car, f"{hour}:00", f"{hour}:30", description=f"{name} at {hour}")
    page = open_page(DAY)
    expect(page.bars("A2")).to_have_count(2)
    enter_grid(page)
    steps = {"ArrowRight": "A1 at 08", "ArrowDown": "A2", "ArrowLeft": "A2 at 12", "Control+Home": "A1"}
    for key, expected in steps.items():
        page.press(key)
        assert page.focused().startswith(expected)
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert page.focused() == "A1"


def test_a_hold_is_confirmed_and_a_conflict_reached(open_page, register, allocate):
    car = register("A1")
    allocate(car, "08:00", "09:00", hold_seconds=600)
    allocate(car, "09:15", "10:00", description="other")
    page = open_page(DAY)
    expect(page.bars("A1")).to_have_count(2)
    enter_grid(page)
    page.press("ArrowRight", "c")
    page.shows("Confirmed.")
    page.press("Escape", "Alt+ArrowRight", "Alt+ArrowRight")
    page.shows("A1 is taken")
    page.press("Tab", "Tab")
    expect(page.panel.get_by_role("button", name="Show")).to_be_focused()
    page.press("Escape")
    assert page.focused().startswith("no note, booking, Monday 2 March 08:00")


def test_the_window_the_help_and_the_search_have_keys(open_page, register):
    register("A1")
    page = open_page(DAY)
    enter_grid(page)
    page.press("]")
    expect(page.find("#day")).to_have_value("2099-03-03")
    page.press("[", "2")
    expect(page.find("[data-span='7']")).to_have_attribute("aria-pressed", "true")
    page.press("?")
    page.shows("Keys in the timeline")
    page.press("Enter")
    expect(page.find("#dialog")).to_be_hidden()
    page.press("m")
    page.shows("Nothing allocated in this window")
    page.press("Escape", "f")
    page.shows("Find a free one")
    page.press("Escape")
    enter_grid(page)
    page.press("/")
    expect(page.find("#find")).to_be_focused()
    page.page.keyboard.type("t1")
    expect(page.find("#find")).to_have_value("t1")


def test_the_grid_stays_one_stop_after_scrolling(open_page, client, register):
    for number in range(60):
        register(f"A{number:02}")
    page = open_page(DAY)
    enter_grid(page)
    page.press("Control+End")
    expect(page.row("A59")).to_be_visible()
    page.press("Tab", "Shift+Tab")
    assert page.focused() == "A59"
    page.press("Shift+Tab")
    page.page.evaluate("document.getElementById('grid').scrollTop = 0")
    expect(page.row("A00")).to_be_visible()
    expect(page.find("#grid [tabindex='0']")).to_have_count(1)
    page.press("Tab")
    assert page.focused() == "A00"
