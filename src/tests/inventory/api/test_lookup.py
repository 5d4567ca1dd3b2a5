"""What the lists have at their far ends."""

from datetime import UTC, datetime

import pytest

YEARS = [None, 1900, 1969, 1970, 2026, 8307, 8308, 9000, 9998]


@pytest.fixture
def starts(client):
    """Allocations whose starts are as far apart as can be, on as many vehicles."""
    for number, year in enumerate(YEARS):
        path = client.post("/api/cars", json={"name": f"Car{number}"}).headers["Location"] + "/allocations"
        start = {"from_infinity": True} if year is None else {"from_datetime": f"{year}-01-01T00:00:00.000001Z"}
        assert client.post(path, json={**start, "to_infinity": True}).status_code == 201


def test_pages_lead_from_the_first_instant_to_the_last(client, starts):
    url, found = "/api/cars/all/allocations?limit=1", []
    while url:
        response = client.get(url)
        assert response.status_code == 200
        found += [allocation["from_datetime"] for allocation in response.json]
        url = response.headers.get("Link", "<>")[1:].partition(">")[0]
    expected = [None] + [datetime(year, 1, 1, 0, 0, 0, 1, UTC) for year in YEARS[1:]]
    assert [start and datetime.fromisoformat(start) for start in found] == expected


def test_an_id_in_capitals_is_none(client):
    vehicle = client.post("/api/cars", json={"name": "Car1"}).json["id"]
    assert client.get(f"/api/cars/{vehicle}").status_code == 200
    assert client.get(f"/api/cars/{vehicle.upper()}").status_code == (200 if vehicle == vehicle.upper() else 404)


@pytest.mark.parametrize("tag", ['"01"', '"1-XML"', '"+1"', '"1 "', '"0"', '"99999999999999999999"'])
def test_an_etag_is_matched_to_the_letter(client, tag):
    path = client.post("/api/cars", json={"name": "Car1"}).headers["Location"]
    assert client.delete(path, headers={"If-Match": tag}).status_code == 412
    assert client.get(path).status_code == 200
