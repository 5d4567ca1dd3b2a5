"""The page below the name of a fleet: its files, its requests and its links are those of this fleet."""

import pytest
from playwright.sync_api import expect

from tests.support.fleet_page import DAY, stored
from tests.support.fleets import two_fleets
from tests.support.serving_apps import served_app

pytestmark = pytest.mark.one_engine

SCOPES = ("resources:read", "resources:write", "allocations:read", "allocations:write")


@pytest.fixture
def fleets(tmp_path):
    with two_fleets(tmp_path) as fleets:
        fleets.add_client("desk", *(f"{scope}@north/cars" for scope in SCOPES), "events:read@north/*")
        yield fleets


def test_the_page_of_a_fleet_shows_and_changes_this_fleet(open_page, fleets):
    north, south = (fleets.inventories[fleet] for fleet in ("north", "south"))
    location = north.post("/api/cars", json={"name": "N1"}).headers["Location"]
    south.post("/api/cars", json={"name": "S1"})
    with served_app(fleets.build_gateway()) as url:
        page = open_page(DAY, base=f"{url}/north", secret=fleets.keys["desk"])
        expect(page.row("N1")).to_be_visible()
        expect(page.row("S1")).not_to_be_attached()
        page.drag(page.point("N1", 8), page.point("N1", 9.99))
        page.shows("Allocate N1")
        page.press("Enter")
        expect(page.bars("N1")).to_have_count(1)
        assert [row[:2] for row in stored(north, location)] == [("08:00", "10:00")]
        for name, path in {"List": "/north/table", "API": "/north/docs"}.items():
            link = page.page.get_by_role("link", name=name, exact=True)
            assert link.evaluate("link => link.href") == url + path
        urls = page.page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert urls
        assert [other for other in urls if not other.startswith(f"{url}/north/")] == []
