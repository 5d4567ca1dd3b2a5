"""Writes whose response is lost: the page says that it does not know, and a second attempt does nothing twice."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine

ITEM = "**/api/cars/all/allocations/*"
# From now on, the page waits for responses until END_WAITS, which returns how many milliseconds it wanted to wait.
STOP_WAITS = """() => {
    [window.waits, window.limit] = [[], AbortSignal.timeout];
    AbortSignal.timeout = (ms) => {
        const end = new AbortController();
        waits.push({ ms, end });
        return end.signal;
    };
}"""
END_WAITS = """() => {
    AbortSignal.timeout = limit;
    for (const { end } of waits) end.abort(new DOMException("", "TimeoutError"));
    return [...new Set(waits.map(({ ms }) => ms))];
}"""


def again(page):
    """Wait until the service is back, and try again."""
    page.shows("Not known yet whether it was done.")
    page.skip(6)
    page.is_back()
    page.click("Try again")


def changed(page, answer):
    """Try again, wait until the page says that it was done, and answer the message, so that the next one is another."""
    again(page)
    page.shows("It was changed; this is how it is now.")
    page.click(answer, page.find("#done"))


def events(client, kind):
    """Return the events of a kind."""
    return client.get(f"/api/events?kind={kind}&limit=100").json["events"]


def keys(page):
    """Return the idempotency keys of the last two writes."""
    return [request.headers["idempotency-key"] for request in page.writes[-2:]]


@pytest.mark.through_gateway
def test_what_is_created_is_created_once(open_page, client, register):
    page = open_page(DAY, has_clock=True)
    page.click("Add the first one")
    page.fill("name", "B1")
    page.lose_response("**/api/cars")
    page.submit()
    again(page)
    page.shows("B1 is in circulation.")
    assert len(set(keys(page))) == 1
    page.click("Allocate…", page.panel)
    page.fill("to_datetime", "2099-03-02T11:00")
    page.lose_response("**/allocations")
    page.submit()
    again(page)
    page.shows("B1: allocated.")
    assert len(set(keys(page))) == 1
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T12:00")
    page.fill("to_datetime", "2099-03-02T15:00")
    page.submit()
    page.click("Any of them")
    page.lose_response("**/any/allocations")
    page.submit()
    again(page)
    expect(page.bars("B1")).to_have_count(2)
    assert len(set(keys(page))) == 1
    [vehicle] = client.get("/api/cars").json
    assert len(client.get(f"/api/cars/{vehicle['id']}/allocations").json) == 2


def test_a_refusal_and_an_edit_give_a_new_key(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "09:00")
    page = open_page(DAY, has_clock=True)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.fill("from_datetime", "2099-03-02T12:00")
    page.fill("to_datetime", "2099-03-02T12:30")
    page.fill("allocation_type", "")
    page.fill("description", "first")
    page.page.route("**/allocations", lambda route: route.abort(), times=1)
    page.submit()
    page.shows("Not known yet whether it was done.")
    page.skip(6)
    page.is_back()
    page.fill("description", "second")
    page.submit()
    page.shows("B1: allocated.")
    assert len(set(keys(page))) == 2
    assert {row["description"] for row in client.get(f"{car}/allocations").json} == {None, "second"}


def test_changes_of_allocations_are_made_once(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "10:00", description="held", hold_seconds=3600)
    page = open_page(DAY, has_clock=True)
    # Move.
    page.lose_response(ITEM)
    page.drag(page.point("B1", 9), page.point("B1", 13))
    changed(page, "Dismiss")
    expect(page.bars("B1")).to_have_attribute("aria-label", re.compile("12:00 to 14:00"))
    # Extend, confirm, edit.
    page.bars("B1").click()
    page.lose_response(ITEM)
    page.click("+15 min", page.panel)
    changed(page, "Show")
    page.lose_response(ITEM)
    page.click("Confirm", page.panel)
    changed(page, "Show")
    page.click("Edit…", page.panel)
    page.fill("description", "edited")
    page.lose_response(ITEM)
    page.submit()
    changed(page, "Dismiss")
    expect(page.bars("B1")).to_have_text("edited")
    assert len(events(client, "allocation_changed")) == 3
    assert len(events(client, "confirmed")) == 1
    # Cancel, and undo it.
    page.bars("B1").click()
    page.lose_response(ITEM)
    page.click("Cancel allocation", page.panel)
    again(page)
    expect(page.bars("B1")).to_have_count(0)
    assert client.get(f"{car}/allocations").json == []


def test_a_message_shows_the_allocation_as_it_is_by_then(open_page, client, register, allocate):
    allocation = allocate(register("B1"), "08:00", "10:00", description="before")
    page = open_page(DAY, has_clock=True)
    page.lose_response(ITEM)
    page.drag(page.point("B1", 9), page.point("B1", 13))
    again(page)
    page.shows("It was changed; this is how it is now.")
    path = f"/api/cars/all/allocations/{allocation['id']}"
    assert client.patch(path, json={"description": "after"}).status_code == 200
    page.skip(6)
    expect(page.bars("B1")).to_have_text("after")
    page.click("Show")
    expect(page.panel).to_contain_text("after")


def test_a_lost_undo_brings_back_one_allocation(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "10:00", description="trip")
    page = open_page(DAY, has_clock=True)
    page.bars("B1").click()
    page.click("Cancel allocation", page.panel)
    page.lose_response("**/allocations")
    page.click("Undo")
    again(page)
    expect(page.bars("B1")).to_have_text("trip")
    assert len(client.get(f"{car}/allocations").json) == 1
    assert len(events(client, "allocated")) == 2


def test_changes_of_vehicles_are_made_once(open_page, client, register, allocate):
    car, other = register("B1"), register("B2")
    for start, end in (("08:00", "10:00"), ("12:00", "14:00")):
        allocate(car, start, end)
    page = open_page(DAY, has_clock=True)
    page.open_vehicle("B1")
    page.click("Edit…", page.panel)
    page.fill("name", "B0")
    page.lose_response(f"**{car}")
    page.submit()
    again(page)
    page.shows("Saved.")
    expect(page.row("B0")).to_be_visible()
    expect(page.find("body")).not_to_contain_text("Somebody changed")
    assert client.get(car).json["name"] == "B0"
    page.open_vehicle("B0")
    page.lose_response(f"**{car}")
    page.click("Out of service…", page.panel)
    again(page)
    page.shows("In the way:")
    expect(page.find("body")).not_to_contain_text("Somebody changed")
    page.lose_response("**/changes")
    page.click("Move all", page.panel)
    again(page)
    expect(page.bars("B2")).to_have_count(2)
    assert len(client.get(f"{other}/allocations").json) == 2
    assert len(events(client, "allocation_changed")) == 2
    page.open_vehicle("B0")
    page.click("Take out of circulation…", page.panel)
    page.lose_response(f"**{car}")
    page.click("Take it out")
    again(page)
    expect(page.row("B0")).to_have_count(0)
    assert client.get(car).status_code == 404


def test_a_response_that_takes_too_long_counts_as_lost(open_page, client, register):
    car = register("B1")
    page = open_page(DAY, has_clock=True)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    page.page.route("**/allocations", lambda route: None, times=1)
    page.page.evaluate(STOP_WAITS)
    with page.page.expect_request("**/allocations"):
        page.submit()
    assert page.page.evaluate(END_WAITS) == [10_000]
    again(page)
    page.shows("B1: allocated.")
    assert len(client.get(f"{car}/allocations").json) == 1
