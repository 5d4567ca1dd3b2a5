"""The keyboard alone: every act has its key, and the grid is one stop of the Tab key.

No test here uses the mouse: the focus enters the grid as Tab does, and buttons are reached by Tab.
"""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine


def enter_grid(page):
    """Move the focus into the grid, as Tab does."""
    expect(page.find("#grid [tabindex='0']")).to_have_count(1)
    page.find("#grid [tabindex='0']").focus()


def tab_to(page, name):
    """Press Tab until the focus is on the button with this text, then press it."""
    for _ in range(40):
        page.press("Tab")
        if page.page.evaluate("document.activeElement.textContent") == name:
            return page.press("Enter")
    raise AssertionError(f"Tab does not reach {name}")


def rows(client, url):
    """Return the hours and the description of the allocations of a vehicle."""
    return [
        (row["from_datetime"][11:16], row["to_datetime"][11:16] if row["to_datetime"] else None, row["description"])
        for row in client.get(f"{url}/allocations").json
    ]


def test_an_allocation_is_made_moved_and_cancelled(open_page, client, register):
    first, second = register("A1"), register("A2")
    page = open_page(DAY, has_clock=True)
    enter_grid(page)
    page.press("ArrowDown", "ArrowUp", "n")
    page.type("by keys")
    page.press("Enter")
    # The feed may show the bar before the response comes.
    page.shows("A1: allocated.")
    page.press("Escape")
    assert page.focused() == "by keys, booking, Monday 2 March 08:00 to 09:00"
    with page.stopped_time():
        page.press("Alt+ArrowRight", "Alt+ArrowRight", "Alt+Shift+ArrowRight", "Alt+ArrowLeft", "Alt+Shift+ArrowLeft")
        page.press("Alt+ArrowRight", "Alt+Shift+ArrowRight")
    page.shows("Moved to Mon 2 Mar 2099 08:30 – 09:45.")
    assert len(client.get("/api/events?kind=allocation_changed").json["events"]) == 1
    page.press("Alt+ArrowDown")
    page.shows("Moved to A2")
    assert page.focused() == "by keys, booking, Monday 2 March 08:30 to 09:45"
    page.press("Delete")
    page.shows("Cancelled.")
    expect(page.bars("A2")).to_have_count(0)
    assert [rows(client, url) for url in (first, second)] == [[], []]
    tab_to(page, "Undo")
    page.shows("It is back.")
    expect(page.bars("A2")).to_have_count(1)
    assert rows(client, second) == [("08:30", "09:45", "by keys")]


def test_a_vehicle_is_registered_edited_and_taken_out_of_circulation(open_page, client):
    page = open_page(DAY)
    page.shows("No cars yet.")
    tab_to(page, "Add vehicle…")
    page.type("B1")
    page.press("Tab")
    page.type("seats")
    page.press("Tab")
    page.type("5")
    page.press("Enter")
    page.shows("B1 is in circulation.")
    page.press("Escape")
    assert page.focused() == "B1"
    page.press("m")
    expect(page.find("#panel-title")).to_be_focused()
    tab_to(page, "Edit…")
    page.type("B2")
    page.press("Enter")
    page.shows("Saved.")
    [vehicle] = client.get("/api/cars").json
    assert (vehicle["name"], vehicle["attributes"]) == ("B2", {"seats": 5})
    page.press("Escape", "m")
    tab_to(page, "Take out of circulation…")
    expect(page.find("#dialog")).to_be_visible()
    page.press("Escape")
    expect(page.find("#dialog")).to_be_hidden()
    assert len(client.get("/api/cars").json) == 1
    page.press("Enter")
    expect(page.page.get_by_role("button", name="Keep it")).to_be_focused()
    page.press("Shift+Tab", "Enter")
    page.shows("B2 is out of circulation.")
    page.shows("No cars yet.")


def test_a_vehicle_goes_out_of_service_and_comes_back(open_page, service, client, register, allocate):
    car, other = register("B1"), register("B2")
    allocate(car, "08:00", "10:00", description="trip")
    # Out of service from 12:00 on: a maintenance that begins in this very second would be cancelled, not ended.
    service.set_clock("2099-03-01T12:02:00+00:00")
    page = open_page("day=2099-03-01&span=7")
    enter_grid(page)
    page.press("m")
    expect(page.find("#panel-title")).to_be_focused()
    tab_to(page, "Out of service…")
    page.shows("In the way:")
    page.press("Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab")
    tab_to(page, "Move to any other")
    page.shows("Moved to B2")
    assert rows(client, other) == [("08:00", "10:00", "trip")]
    expect(page.panel.get_by_role("button", name="Move to any other")).to_have_count(0)
    expect(page.panel.locator("[name=description]")).to_be_focused()
    page.type("gearbox")
    page.press("Enter")
    page.shows("B1: allocated.")
    page.press("Escape")
    assert page.focused().startswith("gearbox, maintenance")
    page.press("Enter")
    tab_to(page, "Back in service now")
    page.shows("B1 is back in service.")
    [maintenance] = client.get(f"{car}/allocations").json
    assert (maintenance["to_infinity"], client.get(car).json["closed_from"]) == (False, None)


def test_a_free_one_is_found_and_held_and_confirmed(open_page, client, register, allocate):
    taken, free = register("A1"), register("A2")
    allocate(taken, "08:00", "20:00", description="long")
    page = open_page(DAY)
    enter_grid(page)
    page.press("f")
    expect(page.panel.locator("[name=from_datetime]")).to_be_focused()
    # The keys of the grid work again after Escape.
    page.press("Escape", "f")
    expect(page.panel.locator("[name=from_datetime]")).to_be_focused()
    page.press("Enter")
    page.shows("1 free")
    expect(page.page.get_by_role("button", name="Any of them")).to_be_focused()
    page.press("Enter")
    expect(page.panel.locator("[name=description]")).to_be_focused()
    page.type("for Ms Adams")
    page.press("Tab", "Space")
    expect(page.panel.locator("button.primary")).to_have_text("Hold for 15 min")
    page.press("Enter")
    page.shows("A2: held until")
    expect(page.find(".bar.held")).to_have_count(1)
    page.press("Escape")
    assert page.focused().startswith("for Ms Adams, booking, Monday 2 March 08:00 to 09:00, held until ")
    page.press("c")
    page.shows("Confirmed.")
    [row] = client.get(f"{free}/allocations").json
    assert (row["status"], row["description"]) == ("confirmed", "for Ms Adams")


def test_arrows_go_from_bar_to_bar_and_from_row_to_row(open_page, register, allocate):
    for number in range(1, 21):
        car = register(f"A{number:02}")
        for hour in ("08", "12"):
            if number < 3:
                allocate(car, f"{hour}:00", f"{hour}:06", description=f"A{number:02} at {hour}")
    page = open_page(DAY)
    expect(page.bars("A02")).to_have_count(2)
    enter_grid(page)
    steps = [
        *(("ArrowRight", "A01 at 08"), ("ArrowRight", "A01 at 12"), ("ArrowRight", "A01"), ("ArrowLeft", "A01 at 12")),
        *(("ArrowDown", "A02"), ("ArrowLeft", "A02 at 12"), ("PageDown", "A17"), ("PageDown", "A20")),
        *(("PageUp", "A05"), ("ArrowUp", "A04"), ("Control+End", "A20"), ("Control+Home", "A01")),
    ]
    for key, expected in steps:
        page.press(key)
        assert page.focused().startswith(expected)
        expect(page.find("#grid [tabindex='0']")).to_have_count(1)
    # Enter on a row allocates, on a bar it shows the details.
    page.press("Enter")
    page.shows("Allocate A01")
    page.press("Escape", "ArrowRight", "Space")
    expect(page.find("#panel-title")).to_have_text("A01 at 08")
    page.press("Escape")
    assert page.focused().startswith("A01 at 08")


def test_a_conflict_is_reached_and_the_bar_goes_back(open_page, client, register, allocate):
    car = register("A1")
    allocate(car, "08:00", "09:00", description="mine")
    allocate(car, "09:15", "10:00", description="other")
    page = open_page(DAY, has_clock=True)
    expect(page.bars("A1")).to_have_count(2)
    enter_grid(page)
    with page.stopped_time():
        page.press("ArrowRight", "Alt+ArrowRight", "Alt+ArrowRight")
    page.shows("A1 is taken")
    expect(page.find(".bar.ring")).to_have_attribute(
        "aria-label", "other, booking, Monday 2 March 09:15 to 10:00, in the way"
    )
    tab_to(page, "Next free time on A1")
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T10:00")
    page.press("Enter")
    page.shows("Saved.")
    assert rows(client, car) == [("09:15", "10:00", "other"), ("10:00", "11:00", "mine")]
    page.press("Escape", "Escape")
    assert page.focused().startswith("mine, booking, Monday 2 March 10:00")


def test_the_window_the_help_and_the_search_have_keys(open_page, register, allocate):
    allocate(register("A1"), "08:00", "09:00", description="trip")
    page = open_page("day=2099-05-01&span=1")
    enter_grid(page)
    page.press("]")
    expect(page.find("#day")).to_have_value("2099-05-02")
    page.press("[", "2")
    expect(page.find("[data-span='7']")).to_have_attribute("aria-pressed", "true")
    page.press("]")
    expect(page.find("#day")).to_have_value("2099-05-08")
    page.press("3")
    expect(page.find("[data-span='28']")).to_have_attribute("aria-pressed", "true")
    page.press("1", "?")
    page.shows("Keys in the timeline")
    page.press("Enter")
    expect(page.find("#dialog")).to_be_hidden()
    page.press("m")
    page.shows("Nothing allocated in this window")
    page.press("Escape", "f")
    page.shows("Find a free one")
    page.press("Escape")
    enter_grid(page)
    page.press("g")
    expect(page.find("#day")).to_be_focused()
    page.press("Escape")
    enter_grid(page)
    page.press("/")
    expect(page.find("#find")).to_be_focused()
    page.type("t1?")
    expect(page.find("#find")).to_have_value("t1?")
    expect(page.find("#dialog")).to_be_hidden()


def test_t_goes_to_the_day_of_the_servers_clock(open_page, service, register, allocate):
    allocate(register("A1"), "08:00", "09:00", description="trip")
    service.set_clock("2099-03-02T23:30:00+00:00")
    page = open_page("day=2099-05-01&span=1")
    enter_grid(page)
    page.press("t")
    expect(page.find("#day")).to_have_value("2099-03-02")
    expect(page.bars("A1")).to_have_count(1)
    page = open_page("day=2099-05-01&span=1", timezone_id="Asia/Kolkata")
    enter_grid(page)
    page.press("t")
    expect(page.find("#day")).to_have_value("2099-03-03")


def test_letters_act_only_in_the_grid(open_page, client, register, allocate):
    car = register("A1")
    allocate(car, "08:00", "09:00", description="trip")
    page = open_page(DAY)
    expect(page.bars("A1")).to_have_count(1)
    enter_grid(page)
    page.press("ArrowRight")
    for selector in ("#later", "#find"):
        page.find(selector).focus()
        page.press("n", "f", "m", "c", "Delete", "3", "Alt+ArrowRight")
        expect(page.panel).to_be_hidden()
        expect(page.find("[data-span='1']")).to_have_attribute("aria-pressed", "true")
    assert rows(client, car) == [("08:00", "09:00", "trip")]


def test_the_grid_stays_one_stop_after_scrolling(open_page, client, register):
    for number in range(60):
        register(f"A{number:02}")
    page = open_page(DAY)
    page.press("Tab")
    expect(page.find(":focus")).to_have_text("Skip to the timeline")
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
