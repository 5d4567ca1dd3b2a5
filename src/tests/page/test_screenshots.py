"""Screenshots for the manual: a day, the same in the dark, a conflict, and a telephone.

They are written to the folder in the environment variable SCREENSHOTS, otherwise to a temporary one.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY

pytestmark = pytest.mark.one_engine

# The vehicles of the pictures, and what is allocated: from, to, type, note, whether it is held.
FLEET = {
    "Corsa 11": [("07:30", "10:00", "booking", "Ms Adams", False), ("13:00", "18:30", "booking", "order 4711", False)],
    "Corsa 12": [("00:00", "23:59", "maintenance", "gearbox", False)],
    "Transit 3": [("06:00", "15:30", "booking", "parcels", False), ("15:30", "16:30", "cleaning", None, False)],
    "Transit 4": [("09:00", "12:00", "booking", "Mr Baker", True), ("14:00", "20:00", "booking", "stage", False)],
    "Transit 5": [],
    "Vito 7": [("08:15", "11:45", "booking", "school trip", False), ("12:30", "17:00", "booking", "airport", False)],
    "Zoe 1": [("10:00", "13:00", "booking", "nurses", False), ("18:00", "21:00", "booking", "nurses", False)],
}


@pytest.fixture
def fleet(register, allocate):
    for number, (name, allocations) in enumerate(FLEET.items()):
        car = register(name, attributes={"base": ("Leeds", "York")[number % 2], "seats": 2 + number % 4})
        for start, end, kind, note, held in allocations:
            hold = {"hold_seconds": 900} if held else {}
            allocate(car, start, end, allocation_type=kind, description=note, **hold)


@pytest.fixture
def shoot(tmp_path):
    """Return a function that takes a picture of a page."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def shoot(page, name):
        page.page.screenshot(path=folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size > 10_000

    return shoot


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.usefixtures("fleet")
def test_a_day(open_page, shoot, scheme):
    page = open_page(DAY, viewport={"width": 1200, "height": 560}, color_scheme=scheme)
    expect(page.bars("Vito 7")).to_have_count(2)
    shoot(page, "day" if scheme == "light" else "dark")


@pytest.mark.usefixtures("fleet")
def test_a_conflict(open_page, shoot):
    page = open_page(DAY, viewport={"width": 1200, "height": 560})
    page.drag(page.point("Vito 7", 12), page.point("Vito 7", 14))
    page.submit()
    expect(page.find(".bar.ring")).to_have_count(1)
    shoot(page, "conflict")


@pytest.mark.usefixtures("fleet")
def test_a_phone(open_page, shoot):
    page = open_page(DAY, viewport={"width": 390, "height": 760}, has_touch=True, is_mobile=True)
    expect(page.bars("Vito 7")).to_have_count(2)
    shoot(page, "phone")


@pytest.mark.usefixtures("fleet")
def test_a_service_that_is_away(open_page, shoot):
    page = open_page(DAY, viewport={"width": 1200, "height": 560})
    expect(page.bars("Vito 7")).to_have_count(2)
    page.context.set_offline(True)
    page.shows("The service has not responded since")
    shoot(page, "offline")
