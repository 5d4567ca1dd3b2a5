"""The page, to a client that sees its own: of others' no more than that the vehicle is taken."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.owners import client_as, restricted_client
from tests.support.page_reader import Page

pytestmark = pytest.mark.direct("says itself who it is")


@pytest.fixture
def order(app):
    """Allocate a car in somebody's name, by hours from now on."""
    now = datetime.now(UTC)

    def order(client_id, car, start, end, **more):
        period = {"from_datetime": (now + timedelta(hours=start)).isoformat()}
        period |= {"to_datetime": (now + timedelta(hours=end)).isoformat()}
        made = client_as(app, client_id).post(f"{car}/allocations", json={**period, **more})
        assert made.status_code == 201, made.text
        return made.json

    return order


def shown(instant):
    return datetime.fromisoformat(instant).isoformat()


def test_its_own_is_shown_as_ever(app, client, car, order):
    order("one", car, -1, 5, allocation_type="service", description="oil", hold_seconds=60)
    assert restricted_client(app, "one").get("/").text.count("oil") == client.get("/").text.count("oil") == 2
    page = Page(restricted_client(app, "one").get("/"))
    assert page.titles == ["service, held: oil"]
    assert page.rows[0][1].startswith("service until ")


def test_of_somebody_elses_it_says_only_that_the_vehicle_is_taken(app, car, order):
    made = order("two", car, -1, 5, allocation_type="secret", description="secret", hold_seconds=60)
    response = restricted_client(app, "one").get("/")
    assert "secret" not in response.text
    assert "held" not in response.text
    page = Page(response)
    assert (page.titles, page.times) == (["taken"], [shown(made["to_datetime"])])
    assert page.rows[0][1].startswith("taken until ")


def test_others_that_follow_one_another_are_one(app, register, order):
    cars = [register(f"Car{number}") for number in range(2)]
    made = [
        order(name, cars[0], start, start + 2) for name, start in (("two", 1), ("three", 3), ("one", 5), ("two", 7))
    ]
    made += [order("two", cars[1], start, start + 2) for start in (9, 13)]
    page = Page(restricted_client(app, "one").get("/"))
    assert page.titles == ["taken", "booking", "taken", "taken", "taken"]
    assert page.times == [shown(made[0]["from_datetime"]), shown(made[4]["from_datetime"])]
    widths = [float(bar["width"]) for bar in page.bars]
    assert widths == [pytest.approx(100 * hours / 168, abs=0.1) for hours in (4, 2, 2, 2, 2)]
