"""``attribute.KEY=VALUE`` finds a number by the very text that answers show, on both databases."""

import json

import pytest


@pytest.mark.parametrize("number", [0.1, 0.1 + 0.2, 123456789.12345679, 1e16, 1e22, 1.5e-7, 1e308, 5e-324])
def test_a_number_is_found_as_it_is_shown(client, register, number):
    register("Car1", attributes={"k": number})
    shown = json.dumps(client.get("/api/cars").json[0]["attributes"]["k"])
    assert [car["name"] for car in client.get("/api/cars", query_string={"attribute.k": shown}).json] == ["Car1"]


def test_a_number_is_not_found_as_another_one(client, register):
    register("Car1", attributes={"k": 0.1 + 0.2})
    assert client.get("/api/cars", query_string={"attribute.k": "0.3"}).json == []
