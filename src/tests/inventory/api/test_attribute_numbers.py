"""Numeric attributes: on both databases, ``attribute.KEY=VALUE`` and ``any`` compare them by value."""

import json
import re
import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import JSON, delete, insert, literal, select

from invsys.chassis.formats import strict_json
from invsys.inventory.db.functions import json_contains
from invsys.inventory.db.models import ContinuousResource, db
from invsys.inventory.queries import resources as resource_queries
from tests.support.effort import hypothesis_settings
from tests.support.hours_in_2099 import hour_start

XML = "application/xml"
NUMBERS = [0.1, 0.1 + 0.2, 123456789.12345679, 1e16, 1e22, 1e308, 5e-324]
NUMBERS += [1e-4, 1e-5, -1.5e-5, 1e-6, 1.5e-7, 9.87654321e-9, 1e-10, -0.0, 2**63 - 1, -(2**63)]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_found_by_the_text_in_responses(client, register, number):
    car = register("Car1", attributes={"k": number})
    text = re.search(r'"k":([^},]+)', client.get("/api/cars").text)[1]
    assert f"<k>{text}</k>" in client.get(car, headers={"Accept": XML}).text
    assert [car["name"] for car in client.get("/api/cars", query_string={"attribute.k": text}).json] == ["Car1"]


def test_a_number_is_not_found_by_a_rounded_value(client, register):
    register("Car1", attributes={"k": 0.1 + 0.2})
    assert client.get("/api/cars", query_string={"attribute.k": "0.3"}).json == []


# The notations in a group have the same value; different groups have different values, some of them very close.
SAME = [
    ["4", "4.0", "4.00", "4e0", "40e-1", "0.4E+1"],
    ["0", "-0", "0.0", "-0.0", "0e9", "1e-400"],
    ["100", "100.0", "1e2", "1E2", "1.0e+2"],
    ["-7", "-7.0"],
    ["0.1", "0.10", "1e-1"],
    ["0.00001", "1e-5", "1e-05"],
    ["9007199254740992", "9007199254740992.0"],
    ["9007199254740993"],
    ["9223372036854775807"],
    # PostgreSQL compares the shortest text of a double, which is 1.152921504606847e18 for 2**60.
    ["1152921504606846976"],
    ["1152921504606847000", "1.152921504606847e18"],
    ["1e22", "1.0e22", "10000000000000000000000.0"],
    ["5e-324"],
    ["1.7976931348623157e308"],
]
GROUPS = [pytest.param(forms, id=forms[0]) for forms in SAME]


def body(name, form):
    return f'{{"name": "{name}", "attributes": {{"k": {form}}}}}'


def post(client, path, text):
    return client.post(path, data=text, content_type="application/json")


@pytest.mark.parametrize("forms", GROUPS)
def test_every_notation_of_a_number_finds_every_other_notation(client, forms):
    for index, form in enumerate(forms):
        assert post(client, "/api/cars", body(f"Car{index}", form)).status_code == 201
    period = f'"from_datetime": "{hour_start(1)}", "to_datetime": "{hour_start(2)}"'
    for form in forms:
        cars = client.get("/api/cars", query_string={"attribute.k": form}).json
        assert [car["name"] for car in cars] == [f"Car{index}" for index in range(len(forms))]
        response = post(client, "/api/cars/any/allocations", f'{{{period}, "attributes": {{"k": {form}}}}}')
        assert response.status_code == 201, response.text


def test_a_number_does_not_match_a_different_number(client):
    for index, forms in enumerate(SAME):
        assert post(client, "/api/cars", body(f"Car{index}", forms[0])).status_code == 201
    for index, forms in enumerate(SAME):
        for form in forms:
            cars = client.get("/api/cars", query_string={"attribute.k": form}).json
            assert [car["name"] for car in cars] == [f"Car{index}"], form


@pytest.mark.parametrize("form", ["4.0", "4e0", "1e2", "-0.0"])
def test_a_string_is_compared_as_text(client, register, form):
    register("Text", attributes={"k": form})
    register("Number", attributes={"k": json.loads(form)})
    cars = client.get("/api/cars", query_string={"attribute.k": form}).json
    assert [car["name"] for car in cars] == ["Text", "Number"]
    whole = str(int(float(form)))
    assert [car["name"] for car in client.get("/api/cars", query_string={"attribute.k": whole}).json] == ["Number"]


doubles = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.integers(-(2**63), 2**63 - 1) | doubles | doubles.map(lambda value: float(round(value)))
corners = st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, 2**60, 2**63 - 1, -(2**63), 0, -0.0, 1e22, 1e18])


def variants(value):
    """Return a strategy that draws the number as an integer or as a float, its negative, or the next number."""
    others = [value, float(value), -value, value + 1, int(value)]
    return st.sampled_from([other for other in others if isinstance(other, float) or -(2**63) <= other < 2**63])


pairs = (numbers | corners).flatmap(lambda value: st.tuples(variants(value), variants(value) | numbers | corners))


@hypothesis_settings(40, 150)
@given(pair=pairs)
def test_the_filter_and_any_compare_numbers_like_their_texts(app, pair):
    has, requested = pair
    text = strict_json.dumps(requested)
    equal = Decimal(strict_json.dumps(has)) == Decimal(text)
    conditions = [
        resource_queries._reads_as("k", text),
        [json_contains(ContinuousResource.attributes, literal({"k": requested}, JSON))],
    ]
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(delete(ContinuousResource))
        car = {"id": uuid.uuid4(), "resource_type": "Car", "name": "Car1", "attributes": {"k": has}}
        connection.execute(insert(ContinuousResource).values(car))
        counts = [
            len(connection.execute(select(ContinuousResource.key).where(*condition)).all()) for condition in conditions
        ]
    assert counts == [equal, equal]
