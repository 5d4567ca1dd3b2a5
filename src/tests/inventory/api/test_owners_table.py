"""The page for a restricted client: it shows allocations of other owners only as taken."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.client_identity import client_as, restricted_client
from tests.support.html_page import Page

pytestmark = pytest.mark.one_engine


@pytest.fixture
def allocate_by(app):
    """Return a function that allocates a car for a client; start and end are in hours from now."""
    now = datetime.now(UTC)

    def allocate_by(client_id, car, start, end, **fields):
        period = {"from_datetime": (now + timedelta(hours=start)).isoformat()}
        period |= {"to_datetime": (now + timedelta(hours=end)).isoformat()}
        response = client_as(app, client_id).post(f"{car}/allocations", json={**period, **fields})
        assert response.status_code == 201, response.text
        return response.json

    return allocate_by


def as_shown(instant):
    return datetime.fromisoformat(instant).isoformat()


def test_a_clients_own_allocation_is_shown_completely(app, client, car, allocate_by):
    allocate_by("one", car, -1, 5, allocation_type="service", description="oil", hold_seconds=60)
    # Three times: in the state of the vehicle, in the bar and in the text.
    assert restricted_client(app, "one").get("/table").text.count("oil") == client.get("/table").text.count("oil") == 3
    page = Page(restricted_client(app, "one").get("/table"))
    assert page.titles == ["service, held: oil"]
    assert page.rows[0][1].startswith("service until ")


def test_a_foreign_allocation_is_shown_only_as_taken(app, car, allocate_by):
    allocation = allocate_by("two", car, -1, 5, allocation_type="secret", description="secret", hold_seconds=60)
    response = restricted_client(app, "one").get("/table")
    table = response.text.partition("<table>")[2].partition("</table>")[0]
    assert "taken" in table
    assert "secret" not in table
    assert "held" not in table
    page = Page(response)
    assert (page.titles, page.times) == (["taken"], [as_shown(allocation["to_datetime"])])
    assert page.rows[0][1].startswith("taken until ")


def test_consecutive_foreign_allocations_are_shown_as_one(app, register, allocate_by):
    cars = [register(f"Car{number}") for number in range(2)]
    allocations = [
        allocate_by(name, cars[0], start, start + 2)
        for name, start in (("two", 1), ("three", 3), ("one", 5), ("two", 7))
    ]
    allocations += [allocate_by("two", cars[1], start, start + 2) for start in (9, 13)]
    page = Page(restricted_client(app, "one").get("/table"))
    assert page.titles == ["taken", "booking", "taken", "taken", "taken"]
    assert page.times == [as_shown(allocations[0]["from_datetime"]), as_shown(allocations[4]["from_datetime"])]
    widths = [float(bar["width"]) for bar in page.bars]
    assert widths == [pytest.approx(100 * hours / 168, abs=0.1) for hours in (4, 2, 2, 2, 2)]
