"""Allocations by dragging and by the form, conflicts, moves, holds and cancellations."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.through_gateway


def stored(client, vehicle):
    """Return the period, the type and the description of each allocation of a vehicle, without the date."""
    rows = client.get(f"{vehicle}/allocations").json
    return [
        (
            (row["from_datetime"] or "")[11:16],
            (row["to_datetime"] or "")[11:16],
            row["allocation_type"],
            row["description"],
        )
        for row in rows
    ]


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
    page.shows("Held until")
    page.click("Confirm", page.panel)
    expect(page.bars("B1")).not_to_have_class(re.compile(r"\bheld\b"))
    assert client.get(f"{car}/allocations").json[0]["status"] == "confirmed"


def test_an_expired_hold_goes_from_the_view_and_is_allocated_again(open_page, client, register, allocate):
    car = register("B1")
    page = open_page(DAY)
    allocate(car, "08:00", "10:00", description="offer", hold_seconds=6)
    expect(page.bars("B1")).to_have_count(1)
    page.bars("B1").click()
    expect(page.bars("B1")).to_have_count(0)
    page.click("Confirm", page.panel)
    page.shows("The hold expired at")
    page.click("Allocate again")
    expect(page.panel.locator("[name=description]")).to_have_value("offer")
    page.submit()
    expect(page.bars("B1")).to_have_text("offer")
    assert stored(client, car) == [("08:00", "10:00", "booking", "offer")]


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
