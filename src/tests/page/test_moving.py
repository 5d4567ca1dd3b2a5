"""Moving and resizing bars with the mouse, and changes that meet others'."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, stored


@pytest.mark.through_gateway
def test_a_bar_is_moved_resized_and_moved_back(open_page, client, register, allocate):
    first, second = register("B1"), register("B2")
    allocate(first, "08:00", "10:00", description="trip")
    page = open_page(DAY)
    page.drag(page.point("B1", 9), page.point("B2", 12))
    page.shows("Moved to B2, Mon 2 Mar 2099 11:00 – 13:00.")
    assert (stored(client, first), stored(client, second)) == ([], [("11:00", "13:00", "booking", "trip")])
    page.click("Undo")
    page.shows("Moved back.")
    expect(page.bars("B1")).to_have_count(1)
    box = page.bars("B1").bounding_box()
    page.drag((box["x"] + box["width"] - 4, box["y"] + 9), (page.point("B1", 14)[0], box["y"] + 9))
    page.shows("Moved to Mon 2 Mar 2099 08:00 – 14:00.")
    assert stored(client, first) == [("08:00", "14:00", "booking", "trip")]


def test_a_refused_move_slides_back(open_page, client, register, allocate):
    first, second = register("B1"), register("B2")
    allocate(first, "08:00", "10:00", description="trip")
    allocate(second, "08:00", "12:00", description="other")
    page = open_page(DAY)
    page.drag(page.point("B1", 9), (page.point("B1", 9)[0], page.point("B2", 9)[1]))
    page.shows("B2 is taken")
    expect(page.bars("B1")).to_have_text("trip")
    expect(page.find(".bar.ring")).to_have_text("other")
    assert stored(client, first) == [("08:00", "10:00", "booking", "trip")]


@pytest.mark.through_gateway
def test_a_change_by_somebody_else_is_not_overwritten(open_page, client, register, allocate):
    car = register("B1")
    row = allocate(car, "08:00", "10:00", description="trip")
    page = open_page(DAY)
    page.bars("B1").click()
    page.click("Edit…", page.panel)
    page.fill("description", "mine")
    client.patch(f"/api/cars/all/allocations/{row['id']}", json={"description": "theirs"})
    page.submit()
    page.shows("Nothing was done.")
    expect(page.bars("B1")).to_have_text("theirs")
    assert stored(client, car)[0][3] == "theirs"


def test_both_ends_are_dragged_with_fine_steps_and_narrow_bars_only_move(open_page, client, register, allocate):
    car, other = register("B1"), register("B2")
    allocate(car, "08:00", "12:00", description="trip")
    allocate(other, "08:00", "08:20", description="short")
    page = open_page(DAY)
    expect(page.bars("B1")).to_have_count(1)
    box, y = page.bars("B1").bounding_box(), page.point("B1", 0)[1]
    page.drag((box["x"] + 4, y), (page.point("B1", 6)[0], y))
    page.shows("Moved to Mon 2 Mar 2099 06:00 – 12:00.")
    # Alt moves by a third of a step: 5 minutes.
    page.page.keyboard.down("Alt")
    page.drag(page.point("B1", 9), (page.point("B1", 9.25)[0] + 5, y))
    page.page.keyboard.up("Alt")
    page.shows("Moved to Mon 2 Mar 2099 06:20 – 12:20.")
    box = page.bars("B2").bounding_box()
    page.drag((box["x"] + box["width"] - 2, box["y"] + 9), (box["x"] + box["width"] - 2, y))
    page.shows("B1 is taken")
    assert stored(client, other) == [("08:00", "08:20", "booking", "short")]


@pytest.mark.one_engine
def test_a_week_moves_by_hours_and_four_weeks_by_days(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:10", "20:10", description="trip")
    page = open_page("day=2099-03-02&span=7")
    expect(page.bars("B1")).to_have_count(1)
    x, y = page.point("B1", 0)
    hour = page.row("B1").locator(".track").bounding_box()["width"] / (7 * 24)
    page.drag((x + 14 * hour, y), (x + 26.2 * hour, y))
    page.shows("Moved to Mon 2 Mar 2099 20:00 – Tue 3 Mar 2099 08:00.")
    page.click("4 weeks")
    expect(page.bars("B1")).to_have_text("")
    page.drag((x + 6.5 * hour, y), (x + 18 * hour, y))
    page.shows("Moved to Thu 5 Mar 2099 00:00 – 12:00.")
    page.drag((x + 40 * hour, y), (x + 47 * hour, y))
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-08T00:00")
    expect(page.panel.locator("[name=to_datetime]")).to_have_value("2099-03-10T00:00")


@pytest.mark.one_engine
def test_a_drag_at_the_edge_of_the_view_scrolls_to_another_row(open_page, client, register, allocate):
    cars = [register(f"B{number:02}") for number in range(40)]
    allocate(cars[0], "08:00", "10:00", description="trip")
    page = open_page(DAY)
    expect(page.bars("B00")).to_have_count(1)
    grid = page.find("#grid").bounding_box()
    page.drag(page.point("B00", 9), (page.point("B00", 9)[0], grid["y"] + grid["height"] - 5), drop=False)
    lowest = page.find("#grid").evaluate("(grid) => grid.scrollHeight - grid.clientHeight")
    expect(page.find("#grid")).to_have_js_property("scrollTop", lowest)
    page.page.mouse.up()
    page.shows("Moved to B39, Mon 2 Mar 2099 08:00 – 10:00.")
    assert stored(client, cars[39]) == [("08:00", "10:00", "booking", "trip")]


@pytest.mark.one_engine
def test_a_move_that_met_another_shows_the_fresh_state(open_page, client, register, allocate):
    car = register("B1")
    row = allocate(car, "08:00", "10:00", description="trip")
    first, second = open_page(DAY), open_page(DAY)
    for page in (first, second):
        expect(page.bars("B1")).to_have_count(1)
        page.silence_feed()
    first.drag(first.point("B1", 9), first.point("B1", 12))
    first.shows("Moved to Mon 2 Mar 2099 11:00 – 13:00.")
    second.drag(second.point("B1", 9), second.point("B1", 16))
    second.shows("Nothing was done.")
    expect(second.bars("B1")).to_have_attribute("aria-label", "trip, booking, Monday 2 March 11:00 to 13:00")
    second.click("Show")
    expect(second.panel).to_contain_text("Mon 2 Mar 2099 11:00 – 13:00")
    second.click("Cancel allocation", second.panel)
    second.shows("Cancelled.")
    first.drag(first.point("B1", 12), first.point("B1", 18))
    first.shows("It is cancelled already. Nothing was done.")
    expect(first.bars("B1")).to_have_count(0)
    assert client.get(f"/api/cars/all/allocations/{row['id']}").status_code == 404
