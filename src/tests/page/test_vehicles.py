"""Registering, editing and decommissioning vehicles, and taking them out of service."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY


@pytest.mark.through_gateway
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


@pytest.mark.through_gateway
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


@pytest.mark.through_gateway
def test_a_vehicle_goes_out_of_service_and_comes_back(open_page, service, client, register, allocate):
    car, other = register("B1"), register("B2")
    for start, end in (("08:00", "10:00"), ("12:00", "13:00")):
        allocate(car, start, end, description="trip")
    # Out of service from 12:00 on: a maintenance that begins in this very second would be cancelled, not ended.
    service.set_clock("2099-03-01T12:02:00+00:00")
    page = open_page("day=2099-03-01&span=7")
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


@pytest.mark.one_engine
def test_several_are_registered_in_a_row_and_a_value_is_kept_as_text(open_page, client, register):
    for number in range(40):
        register(f"C{number:02}")
    page = open_page(DAY)
    page.click("Add vehicle…")
    page.submit()
    expect(page.panel.locator("[data-field=name] .error")).not_to_be_empty()
    page.fill("name", "B1")
    page.panel.get_by_label("attribute", exact=True).fill("code")
    page.panel.get_by_label("value", exact=True).fill("007")
    page.click("+ attribute", page.panel)
    page.panel.get_by_label("attribute", exact=True).nth(1).fill("year")
    page.panel.get_by_label("value", exact=True).nth(1).fill("2024")
    page.panel.get_by_label("keep as text").nth(1).click()
    page.click("+ attribute", page.panel)
    page.panel.get_by_label("attribute", exact=True).nth(2).fill("tow bar")
    page.panel.get_by_label("value", exact=True).nth(2).fill("true")
    page.click("Add and another")
    page.shows("B1 is in circulation.")
    expect(page.panel.locator("[name=name]")).to_have_value("")
    expect(page.panel.locator("[name=name]")).to_be_focused()
    page.fill("name", "Z9")
    page.submit()
    page.shows("Z9 is in circulation.")
    # Its place is the last, out of view: the row is scrolled to.
    expect(page.row("Z9")).to_be_in_viewport()
    assert client.get("/api/cars?name=B1").json[0]["attributes"] == {"code": "007", "year": "2024", "tow bar": True}
    page.panel.get_by_role("button", name="Edit…").click()
    page.fill("name", "Z9")
    page.panel.get_by_label("attribute", exact=True).fill("seats")
    page.panel.get_by_label("value", exact=True).fill("5")
    page.submit()
    page.shows("Saved.")
    assert client.get("/api/cars?name=Z9").json[0]["attributes"] == {"seats": 5}
    page.panel.get_by_role("button", name="Edit…").click()
    page.panel.get_by_label("attribute", exact=True).fill("")
    page.submit()
    expect(page.row("Z9")).not_to_contain_text("5")
    assert client.get("/api/cars?name=Z9").json[0]["attributes"] == {}


@pytest.mark.one_engine
def test_a_vehicle_out_of_service_is_opened_again_and_takes_nothing_meanwhile(open_page, client, register, allocate):
    car = register("B1")
    allocate(car, "08:00", "10:00", description="trip")
    page = open_page(DAY)
    page.open_vehicle("B1")
    page.click("Out of service…", page.panel)
    page.shows("In the way:")
    page.click("Move to any other", page.panel)
    page.shows("No other vehicle is free for all of it.")
    page.click("Cancel", page.panel)
    expect(page.row("B1").locator(".closed")).to_have_count(1)
    page.drag(page.point("B1", 12), page.point("B1", 14))
    page.submit()
    page.shows("The vehicle is out of service then. Nothing was done.")
    page.click("Cancel", page.panel)
    page.open_vehicle("B1")
    page.shows("nothing new is booked on it")
    page.click("Open it for bookings again", page.panel)
    page.shows("B1 can be booked again.")
    expect(page.row("B1").locator(".closed")).to_have_count(0)
    page.drag(page.point("B1", 12), page.point("B1", 14))
    page.submit()
    page.shows("B1: allocated.")
    assert len(client.get(f"{car}/allocations").json) == 2


@pytest.mark.one_engine
def test_a_vehicle_changed_by_another_is_not_overwritten(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    page.silence_feed()
    page.open_vehicle("B1")
    page.click("Edit…", page.panel)
    page.fill("name", "mine")
    assert client.patch(car, json={"name": "theirs"}).status_code == 200
    page.submit()
    page.shows("Nothing was done.")
    expect(page.row("theirs")).to_be_visible()
    assert client.get(car).json["name"] == "theirs"


@pytest.mark.one_engine
def test_the_question_before_a_vehicle_goes_can_be_refused(open_page, client, register):
    car = register("B1")
    page = open_page(DAY)
    for answer in ("Keep it", "Escape"):
        page.open_vehicle("B1")
        page.click("Take out of circulation…", page.panel)
        page.shows("Its past stays in the feed.")
        if answer == "Escape":
            page.press("Escape")
        else:
            page.click(answer)
        expect(page.find("#dialog")).to_be_hidden()
    assert page.writes == []
    assert client.get(car).status_code == 200
