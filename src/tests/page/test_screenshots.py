"""Screenshots for the manual, which `make screenshots` takes. They show 11:20 in London, today or tomorrow.

They are written to the folder in the environment variable SCREENSHOTS, otherwise to a temporary one.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import PATIENCE

pytestmark = pytest.mark.one_engine

LONDON = ZoneInfo("Europe/London")
SCREEN = {"viewport": {"width": 1280, "height": 540}}
PHONE = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
# The vehicles of the pictures, and what is allocated: from, to, type, note.
FLEET = {
    "Corsa LE21 KDF": [("07:30", "10:00", "booking", "Ms Adams"), ("13:00", "18:30", "booking", "order 4711")],
    "Corsa YK24 RSA": [("10:15", None, "maintenance", "Gearbox")],
    "Golf HU22 OPT": [("08:15", "11:45", "booking", "School trip"), ("12:30", "17:00", "booking", "Airport")],
    "Golf LE25 BNV": [],
    "Leaf YK26 AHE": [("06:00", "15:30", "booking", "Parcels"), ("15:30", "17:30", "cleaning", "Cleaning")],
    "Transit HU23 CDJ": [("07:00", "09:30", "booking", "Removal"), ("11:15", "15:15", "booking", "Customer")],
    "Zoe SH24 FGM": [("10:00", "13:00", "booking", "Nurses"), ("18:00", "21:00", "booking", "Nurses")],
}
BASES = {"LE": "Leeds", "YK": "York", "HU": "Hull", "SH": "Sheffield"}
HELD = "Customer"


@pytest.fixture
def noon():
    """The time of the pictures."""
    now = datetime.now(LONDON)
    then = now.replace(hour=11, minute=20, second=0, microsecond=0)
    # The vehicles and the hold are created at the real time, some time from now, and must exist at this one.
    return then if now + timedelta(minutes=10) < then else then + timedelta(days=1)


@pytest.fixture
def fleet(client, noon, register):
    def instant(time):
        hour, minute = map(int, time.split(":"))
        return noon.replace(hour=hour, minute=minute).isoformat()

    hold_seconds = int((noon - datetime.now(UTC)).total_seconds()) + 15 * 60
    for name, allocations in FLEET.items():
        base = BASES[name.split()[1][:2]]
        car = register(name, attributes={"base": base, "seats": 9 if name.startswith("Transit") else 5})
        for start, end, allocation_type, description in allocations:
            body = {"allocation_type": allocation_type, "description": description, "from_datetime": instant(start)}
            body |= {"to_datetime": instant(end)} if end else {"to_infinity": True}
            body |= {"hold_seconds": min(hold_seconds, 86_400)} if description == HELD else {}
            assert client.post(f"{car}/allocations", json=body).status_code == 201


@pytest.fixture
def open_day(fleet, noon, open_page):
    """Return a function that opens the day of the pictures, and waits for its bars."""

    def open_day(**context):
        page = open_page(locale="en-GB", has_clock=True, **context)
        page.page.clock.set_system_time(noon)
        page.page.route("**/*", _without_date)
        page.go(f"day={noon.date()}&span=1")
        expect(page.bars("Golf HU22 OPT")).to_have_count(2)
        page.shows("of 7 allocated now")
        return page

    return open_day


def _without_date(route):
    """Let the page take the time from the browser's clock instead of the service's."""
    response = route.fetch(timeout=PATIENCE)
    route.fulfill(response=response, headers={**response.headers, "date": ""})


@pytest.fixture
def shoot(tmp_path):
    """Return a function that takes a picture of a page."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page, name):
        picture = folder / f"{name}.png"
        page.page.screenshot(path=picture)
        assert 10_000 < picture.stat().st_size < 120_000

    return shoot


@pytest.mark.parametrize(("name", "scheme"), [("day", "light"), ("dark", "dark")])
def test_a_day(open_day, shoot, name, scheme):
    shoot(open_day(color_scheme=scheme, **SCREEN), name)


def test_a_conflict(open_day, shoot):
    page = open_day(**SCREEN)
    page.drag(page.point("Golf HU22 OPT", 12), page.point("Golf HU22 OPT", 14))
    page.submit()
    expect(page.find(".bar.ring")).to_have_count(1)
    shoot(page, "conflict")


def test_a_phone(open_day, shoot):
    shoot(open_day(**PHONE), "phone")


def test_a_service_that_is_away(open_day, shoot):
    page = open_day(**SCREEN)
    page.page.unroute_all()
    page.context.set_offline(True)
    page.shows("The service has not responded since")
    shoot(page, "offline")
