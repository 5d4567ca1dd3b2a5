"""Registering, editing and decommissioning vehicles, taking them out of service, and finding a free one."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.through_gateway


def test_the_first_vehicle_is_registered_with_its_attributes(open_page, client):
    page = open_page(DAY)
    page.shows("No cars yet.")
    page.click("Add the first one")
    page.fill("name", " Transit 1 ")
    page.shows("9 of 36")
    page.panel.get_by_label("attribute").fill("seats")
    page.panel.get_by_label("value").fill("4")
    page.press("Enter")
    page.shows("Transit 1 is in circulation.")
    expect(page.row("Transit 1")).to_contain_text("4")
    [vehicle] = client.get("/api/cars").json
    assert (vehicle["name"], vehicle["attributes"]) == ("Transit 1", {"seats": 4})


def test_a_taken_name_is_said_at_its_field_and_the_vehicle_shown(open_page, register):
    for name in ("A1", "B1"):
        register(name)
    page = open_page(DAY)
    page.click("Add vehicle…")
    page.fill("name", "B1")
    page.submit()
    expect(page.panel.locator("[data-field=name] .error")).to_contain_text("Another one has this name.")
    expect(page.panel.locator("[name=name]")).to_be_focused()
    page.click("Show it")
    expect(page.find(".row")).to_have_count(1)
    expect(page.row("B1")).to_be_visible()


def test_a_vehicle_is_renamed_and_sorted_again(open_page, client, register):
    for name in ("A1", "B1"):
        register(name, attributes={"code": "007", "van": True})
    page = open_page(DAY)
    page.open_vehicle("A1")
    page.click("Edit…", page.panel)
    page.fill("name", "C1")
    page.submit()
    page.shows("Saved.")
    expect(page.find(".row .name bdi").filter(has_text="1")).to_have_text(["B1", "C1"])
    vehicle = client.get("/api/cars?name=C1").json[0]
    assert vehicle["attributes"] == {"code": "007", "van": True}


def test_a_vehicle_in_use_stays_in_circulation(open_page, client, register, allocate):
    car, other = register("B1"), register("B2")
    booking = allocate(car, "08:00", "10:00", description="trip")
    page = open_page("day=2099-01-01&span=1")
    for name in ("B1", "B2"):
        page.open_vehicle(name)
        page.click("Take out of circulation…", page.panel)
        page.click("Take it out")
        page.shows("B1 is in use" if name == "B1" else "B2 is out of circulation.")
        if name == "B1":
            expect(page.find(f'.bar.ring[data-id="{booking["id"]}"]')).to_have_count(1)
    assert [client.get(url).status_code for url in (car, other)] == [200, 404]
    expect(page.row("B2")).to_have_count(0)


def test_a_vehicle_goes_out_of_service_and_comes_back(open_page, client, register, allocate):
    car, other = register("B1"), register("B2")
    for start, end in (("08:00", "10:00"), ("12:00", "13:00")):
        allocate(car, start, end, description="trip")
    page = open_page()
    page.open_vehicle("B1")
    page.click("Out of service…", page.panel)
    page.shows("In the way:")
    assert client.get(car).json["closed_from"] is not None
    page.click("Move all", page.panel)
    page.shows("2 allocations moved.")
    page.fill("description", "gearbox")
    page.submit()
    expect(page.bars("B1")).to_have_class(re.compile("maintenance open-end"))
    assert len(client.get(f"{other}/allocations").json) == 2
    page.click("Back in service now", page.panel)
    page.shows("B1 is back in service.")
    [maintenance] = client.get(f"{car}/allocations").json
    assert (maintenance["to_infinity"], client.get(car).json["closed_from"]) == (False, None)


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
    assert "type=lorries" in page.page.url
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
