"""Local hours: bars, forms and dragging in other time zones, and on days on which the clocks change."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.one_engine

# Zone, day, its hours, and the instants of 09:00 and 10:00.
DAYS = [
    ("Europe/London", "2026-03-29", 23, "2026-03-29T08:00Z", "2026-03-29T09:00Z"),
    ("Europe/London", "2026-10-25", 25, "2026-10-25T09:00Z", "2026-10-25T10:00Z"),
    ("America/Chicago", "2026-03-08", 23, "2026-03-08T14:00Z", "2026-03-08T15:00Z"),
    ("America/Chicago", "2026-11-01", 25, "2026-11-01T15:00Z", "2026-11-01T16:00Z"),
    ("Asia/Kolkata", "2026-03-29", 24, "2026-03-29T03:30Z", "2026-03-29T04:30Z"),
    ("Asia/Kolkata", "2026-10-25", 24, "2026-10-25T03:30Z", "2026-10-25T04:30Z"),
]


def period(client, vehicle):
    """Return the stored period of the only allocation of a vehicle."""
    [row] = client.get(f"{vehicle}/allocations").json
    return row["from_datetime"][:16] + "Z", row["to_datetime"][:16] + "Z"


@pytest.mark.parametrize(("zone", "day", "hours", "start", "end"), DAYS)
def test_bars_and_forms_have_the_local_hour(open_page, client, register, zone, day, hours, start, end):
    car, dragged = register("B1"), register("B2")
    assert client.post(f"{car}/allocations", json={"from_datetime": start, "to_datetime": end}).status_code == 201
    page = open_page(f"day={day}&span=1", timezone_id=zone)
    expect(page.bars("B1")).to_have_attribute("aria-label", re.compile(" 09:00 to 10:00$"))
    box, track = page.bars("B1").bounding_box(), page.row("B1").locator(".track").bounding_box()
    assert box["width"] == pytest.approx(track["width"] / hours, abs=1)
    tick = page.find(".tick", has_text=re.compile("^10:00")).bounding_box()
    assert box["x"] + box["width"] == pytest.approx(tick["x"], abs=1)
    # Each of these days has hours that differ from UTC, so the scale has its second line.
    expect(page.find(".tick", has_text=re.compile("^10:00")).locator("small")).to_have_text(end[11:16])
    page.drag(*((x, page.point("B2", 0)[1]) for x in (box["x"] + 1, box["x"] + box["width"] - 1)))
    expect(page.panel.locator("[name=from_datetime]")).to_have_value(f"{day}T09:00")
    page.submit()
    page.shows("B2: allocated.")
    assert period(client, dragged) == (start, end)
    page.click("Edit…", page.panel)
    page.fill("to_datetime", f"{day}T12:00")
    page.submit()
    page.shows("Saved.")
    assert period(client, dragged)[0] == start
    expect(page.bars("B2")).to_have_attribute("aria-label", re.compile(" 09:00 to 12:00$"))


@pytest.mark.parametrize(
    ("zone", "day", "typed", "expected"),
    [
        # 01:30 does not exist: browsers count it as if the clocks had not changed yet, so it becomes 02:30.
        ("Europe/London", "2026-03-29", ("01:30", "04:00"), ("2026-03-29T01:30Z", "2026-03-29T03:00Z")),
        # 01:30 comes twice: browsers take the first.
        ("Europe/London", "2026-10-25", ("01:30", "04:00"), ("2026-10-25T00:30Z", "2026-10-25T04:00Z")),
        ("America/Chicago", "2026-11-01", ("00:30", "01:30"), ("2026-11-01T05:30Z", "2026-11-01T06:30Z")),
    ],
)
def test_a_local_time_that_is_missing_or_comes_twice_says_what_it_means(
    open_page, client, register, zone, day, typed, expected
):
    car = register("B1")
    page = open_page(f"day={day}&span=1", timezone_id=zone)
    page.open_vehicle("B1")
    page.click("Allocate…", page.panel)
    for name, clock in zip(("from_datetime", "to_datetime"), typed, strict=True):
        page.fill(name, f"{day}T{clock}")
    for name, instant in zip(("from_datetime", "to_datetime"), expected, strict=True):
        utc = "" if f"T{page.panel.locator(f'[name={name}]').input_value()[11:]}Z" == instant[10:] else instant[11:16]
        expect(page.panel.locator(f"[data-field={name}] small").first).to_contain_text(utc)
    page.submit()
    page.shows("B1: allocated.")
    assert period(client, car) == expected


def test_an_allocation_in_the_hour_that_comes_twice_keeps_its_place(open_page, client, register):
    car = register("B1")
    # From the first 01:15 to the second 01:45.
    body = {"from_datetime": "2026-10-25T00:15Z", "to_datetime": "2026-10-25T01:45Z"}
    assert client.post(f"{car}/allocations", json=body).status_code == 201
    page = open_page("day=2026-10-25&span=1")
    box, track = page.bars("B1").bounding_box(), page.row("B1").locator(".track").bounding_box()
    assert box["width"] == pytest.approx(track["width"] * 1.5 / 25, abs=1)
    page.bars("B1").click()
    page.shows("1 h 30")
    page.click("Edit…", page.panel)
    page.fill("description", "night")
    page.submit()
    page.shows("Saved.")
    assert period(client, car) == (body["from_datetime"], body["to_datetime"])
    page.bars("B1").focus()
    page.press("Alt+ArrowRight")
    page.shows("Moved to")
    assert period(client, car) == ("2026-10-25T00:30Z", "2026-10-25T02:00Z")


def test_a_week_and_four_weeks_across_a_change_have_days_of_their_own_length(open_page, client, register):
    car = register("B1")
    # From midnight to midnight of Monday, the day after the change.
    body = {"from_datetime": "2026-03-29T23:00Z", "to_datetime": "2026-03-30T23:00Z"}
    assert client.post(f"{car}/allocations", json=body).status_code == 201
    page = open_page("day=2026-03-27&span=7")
    for days in (7, 28):
        expect(page.bars("B1")).to_have_count(1)
        box, track = page.bars("B1").bounding_box(), page.row("B1").locator(".track").bounding_box()
        assert box["width"] == pytest.approx(track["width"] * 24 / (days * 24 - 1), abs=1)
        assert box["x"] - track["x"] == pytest.approx(track["width"] * 71 / (days * 24 - 1), abs=1)
        page.click("4 weeks")
        expect(page.find("[data-span='28']")).to_have_attribute("aria-pressed", "true")
    page.click("Later")
    expect(page.find("#day")).to_have_value("2026-04-24")
    page.click("Day")
    for day in ("2026-04-23", "2026-04-22"):
        page.click("Earlier")
        expect(page.find("#day")).to_have_value(day)
