"""Allocations by dragging and by the form, conflicts and cancellations."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, stored


@pytest.mark.through_gateway
def test_a_dragged_period_is_allocated_with_a_note(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.drag(page.point("B1", 8), page.point("B1", 9.99), drop=False)
    expect(page.find(".ghost")).to_have_text("08:00 – 10:00 · 2 h")
    page.page.mouse.up()
    page.shows("Allocate B1")
    page.page.keyboard.type("order 45 <b>")
    page.press("Enter")
    expect(page.bars("B1")).to_have_text("order 45 <b>")
    assert stored(client, car) == [("08:00", "10:00", "booking", "order 45 <b>")]
    page.click("Undo")
    expect(page.bars("B1")).to_have_count(0)
    assert stored(client, car) == []


def test_escape_ends_a_drag_and_a_click_moves_nothing(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "12:00", description="trip")
    page = open_page(DAY)
    page.drag(page.point("B1", 13), page.point("B1", 15), drop=False)
    page.press("Escape")
    page.page.mouse.up()
    expect(page.find(".ghost")).to_have_count(0)
    page.bars("B1").click()
    page.shows("Cancel allocation")
    assert stored(client, car) == [("08:00", "12:00", "booking", "trip")]


@pytest.mark.through_gateway
def test_a_conflict_is_shown_at_its_place_and_offers_the_next_free_time(open_page, client, register, allocate):
    car = register("B1")
    taken = allocate(car, "08:00", "12:00", description="in the way")
    allocate(car, "14:00", "17:00", description="elsewhere")
    page = open_page("day=2099-02-20&span=1")
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("from_datetime", "2099-03-02T07:00")
    page.fill("to_datetime", "2099-03-02T09:00")
    page.fill("description", "mine")
    page.submit()
    page.shows("B1 is taken")
    ring = page.find(".bar.ring")
    expect(ring).to_have_attribute("data-id", taken["id"])
    expect(page.find("#day")).to_have_value("2099-03-02")
    expect(page.panel).to_contain_text("in the way, booking, Mon 2 Mar 2099 08:00 – 12:00")
    page.click("Next free time on B1")
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-02T12:00")
    expect(page.panel.locator("[name=description]")).to_have_value("mine")
    page.submit()
    expect(page.bars("B1")).to_have_text(["in the way", "mine", "elsewhere"])
    assert stored(client, car)[1] == ("12:00", "14:00", "booking", "mine")


def test_another_vehicle_is_offered_for_a_taken_period(open_page, client, register, allocate):
    allocate(register("B1"), "08:00", "12:00")
    other = register("B2")
    page = open_page(DAY)
    page.drag(page.point("B1", 7), page.point("B1", 9))
    expect(page.find(".ghost.bad")).to_have_text("taken")
    page.submit()
    page.click("Another vehicle that is free")
    page.submit()
    page.shows("1 free")
    expect(page.find(".row")).to_have_count(1)
    page.click("Any of them")
    page.submit()
    expect(page.bars("B2")).to_have_count(1)
    assert len(stored(client, other)) == 1


@pytest.mark.through_gateway
def test_a_cancellation_can_be_undone_unless_the_place_is_gone(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "10:00", description="trip", reference="PO-1", dump={"a": 1})
    page = open_page(DAY)
    cancel(page)
    page.click("Undo")
    page.shows("It is back.")
    [row] = client.get(f"{car}/allocations").json
    assert (row["description"], row["reference"], row["dump"]) == ("trip", "PO-1", {"a": 1})
    cancel(page)
    assert stored(client, car) == []
    allocate(car, "09:00", "11:00", description="quicker")
    page.click("Undo")
    page.shows("B1 is taken")


def cancel(page):
    """Cancel the allocation of B1."""
    page.bars("B1").click()
    page.click("Cancel allocation", page.panel)
    page.shows("Cancelled.")
    expect(page.bars("B1")).to_have_count(0)


@pytest.mark.one_engine
def test_the_form_checks_periods_and_takes_open_ends(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("from_datetime", "2099-03-02T09:00")
    for end, message in (("2099-03-02T09:00", "Must be after the start."), ("", "A date and a time.")):
        page.fill("to_datetime", end)
        page.submit()
        expect(page.panel.locator("[data-field=to_datetime] .error")).to_have_text(message)
        expect(page.panel.locator("[name=to_datetime]")).to_be_focused()
    page.fill("to_datetime", "2099-03-02T10:30")
    page.shows("1 h 30")
    page.panel.get_by_label("hold only").check()
    for minutes in ("0", "1441"):
        page.fill("hold_seconds", minutes)
        page.submit()
        expect(page.panel.locator("[data-field=hold_seconds] .error")).not_to_be_empty()
    page.panel.get_by_label("hold only").uncheck()
    page.fill("allocation_type", "cleaning")
    page.panel.get_by_label("until further notice").check()
    expect(page.panel.locator("[name=to_datetime]")).to_be_disabled()
    page.panel.locator("summary").click()
    page.panel.get_by_label("since ever").check()
    expect(page.panel.locator("[name=from_datetime]")).to_be_disabled()
    page.submit()
    page.shows("B1: allocated.")
    [row] = client.get(f"{car}/allocations").json
    assert (row["from_infinity"], row["to_infinity"], row["allocation_type"]) == (True, True, "cleaning")
    expect(page.bars("B1")).to_have_attribute("aria-label", "no note, cleaning, since ever until further notice")
    # Back to a period with ends.
    page.click("Edit…", page.panel)
    page.panel.get_by_label("until further notice").uncheck()
    page.panel.get_by_label("since ever").uncheck()
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T10:30")
    page.submit()
    page.shows("Saved.")
    assert stored(client, car) == [("09:00", "10:30", "cleaning", None)]


@pytest.mark.one_engine
def test_a_conflict_far_down_the_list_is_scrolled_to_and_each_in_the_way_is_listed(
    open_page, client, register, allocate
):
    cars = [register(f"B{number:02}") for number in range(60)]
    for hour in range(12):
        allocate(cars[59], f"{hour:02}:00", f"{hour:02}:30", description=f"stop {hour}")
    page = open_page(DAY)
    page.find("#find").fill("B59")
    expect(page.find(".row")).to_have_count(1)
    page.open_vehicle("B59")
    page.click("Allocate…", page.panel)
    page.fill("from_datetime", "2099-03-02T00:00")
    page.fill("to_datetime", "2099-03-02T23:00")
    page.find("#find").fill("")
    expect(page.find("#position")).to_contain_text("of 60")
    page.submit()
    page.shows("B59 is taken")
    expect(page.row("B59")).to_be_visible()
    expect(page.find(".bar.ring")).to_have_count(10)
    expect(page.panel.get_by_role("button", name="Show")).to_have_count(10)
    ring = page.find(".bar.ring").first
    assert ring.evaluate("(bar) => getComputedStyle(bar, '::before').content") == '"!"'
    assert ring.evaluate("(bar) => getComputedStyle(bar).outlineWidth") == "3px"
    page.panel.get_by_role("button", name="Show").nth(9).click()
    expect(page.find("#panel-title")).to_have_text("stop 9")
    expect(page.find(".bar.ring")).to_have_count(0)
