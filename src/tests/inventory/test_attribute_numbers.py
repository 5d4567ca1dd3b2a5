"""``attribute.KEY=VALUE`` finds a number by the very text that answers show, on both databases."""

import re

import pytest

XML = "application/xml"
NUMBERS = [0.1, 0.1 + 0.2, 123456789.12345679, 1e16, 1e22, 1e308, 5e-324]
NUMBERS += [1e-4, 1e-5, -1.5e-5, 1e-6, 1.5e-7, 9.87654321e-9, 1e-10, -0.0, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_found_as_it_is_shown(client, register, number):
    car = register("Car1", attributes={"k": number})
    shown = re.search(r'"k":([^},]+)', client.get("/api/cars").text)[1]
    assert f"<k>{shown}</k>" in client.get(car, headers={"Accept": XML}).text
    assert [car["name"] for car in client.get("/api/cars", query_string={"attribute.k": shown}).json] == ["Car1"]


def test_a_number_is_not_found_as_another_one(client, register):
    register("Car1", attributes={"k": 0.1 + 0.2})
    assert client.get("/api/cars", query_string={"attribute.k": "0.3"}).json == []
