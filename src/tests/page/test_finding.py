"""Finding vehicles: by name, by attribute, and those that are free."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY


@pytest.mark.through_gateway
def test_names_are_found_by_their_beginning_over_all_types(open_page, register):
    for name, collection in (("Alpha", "cars"), ("Beta", "cars"), ("Gamma", "lorries")):
        register(name, collection)
    page = open_page(DAY)
    page.find("#find").fill("Be")
    expect(page.find(".row .name")).to_have_text(["Beta"])
    page.find("#find").fill("Ga")
    page.shows("No car’s name begins with Ga.")
    page.click("Look among lorries (1)")
    expect(page.find(".row .name")).to_have_text(["Gamma"])
    expect(page.page).to_have_url(re.compile("type=lorries"))
    page.page.go_back()
    page.click("Clear")
    expect(page.find(".row")).to_have_count(2)


def test_attributes_filter_the_rows(open_page, register):
    for name, city in (("A1", "Leeds"), ("A2", "York")):
        register(name, attributes={"city": city})
    page = open_page(DAY)
    page.find("#filter summary").click()
    page.find("#filter-key").fill("city")
    page.find("#filter-value").fill("York")
    page.press("Enter")
    expect(page.find(".row .name bdi").first).to_have_text("A2")
    page.click("city: York ✕")
    expect(page.find(".row")).to_have_count(2)


@pytest.mark.through_gateway
def test_several_free_vehicles_are_allocated_at_once(open_page, client, register, allocate):
    allocate(register("A1"), "08:00", "10:00")
    for name in ("A2", "A3", "A4"):
        register(name)
    page = open_page(DAY)
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T11:00")
    page.fill("quantity", "2")
    page.submit()
    page.shows("3 free")
    expect(page.find("#lines .free-band")).to_have_count(1)
    page.click("Any 2 of them")
    page.submit()
    expect(page.find("button.bar")).to_have_count(2)
    assert len(client.get("/api/cars/all/allocations").json) == 3
    page.click("Free Mon 2 Mar 2099 09:00 – 11:00 ✕")
    expect(page.find(".row")).to_have_count(4)


def test_none_free_offers_other_times(open_page, register, allocate):
    allocate(register("A1"), "08:00", "10:00")
    page = open_page(DAY)
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T11:00")
    page.submit()
    page.shows("None is free for all of it")
    page.click("A day later")
    expect(page.panel.locator("[name=from_datetime]")).to_have_value("2099-03-03T09:00")
    page.submit()
    page.shows("1 free")


@pytest.mark.one_engine
def test_a_free_one_has_the_attributes_and_is_allocated_from_the_list(open_page, client, register, allocate):
    _, taken, _ = [register(name, attributes={"seats": seats}) for name, seats in (("A1", 5), ("A2", 9), ("A3", 9))]
    allocate(taken, "08:00", "10:00")
    lorry = register("L1", "lorries", attributes={"seats": 9})
    page = open_page(DAY)
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T12:00")
    page.panel.get_by_label("attribute", exact=True).fill("seats")
    page.panel.get_by_label("value", exact=True).fill("9")
    page.submit()
    page.shows("1 free")
    expect(page.find(".row .name bdi").first).to_have_text("A3")
    page.click("Allocate", page.panel)
    page.submit()
    page.shows("A3: allocated.")
    page.click("Find a free one…")
    page.fill("from_datetime", "2099-03-02T09:00")
    page.fill("to_datetime", "2099-03-02T13:00")
    page.submit()
    page.shows("None is free for all of it")
    page.click("One hour shorter", page.panel)
    expect(page.panel.locator("[name=to_datetime]")).to_have_value("2099-03-02T12:00")
    page.submit()
    page.click("Among lorries", page.panel)
    page.shows("1 free")
    page.click("Any of them")
    page.submit()
    page.shows("L1: allocated.")
    assert len(client.get(f"{lorry}/allocations").json) == 1
