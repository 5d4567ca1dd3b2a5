"""Lists of vehicles filtered by ``attribute.KEY=VALUE``, with special characters in keys and values.

For different notations of the same number, see ``test_attribute_numbers``.
"""

import pytest

from tests.support.tables import table_driven

VALUES = [
    ("Leeds", "Leeds", ["leeds", "Leeds ", " Leeds", "Lee", "Leeds1", "%", "L%", "Leed_", '"Leeds"', ""]),
    ("", "", [" ", "null", '""']),
    (4, "4", ["4.01", "04", "+4", " 4", "4 ", "5", "44", "four", '"4"', ""]),
    (4.5, "4.5", ["4.51", "4", "5", "4,5", "45e-2", "4.5f"]),
    (0, "0", ["+0", "00", "false", "", "0.1", "0x0"]),
    (-0.5, "-0.5", ["0.5", "-.5", "-1"]),
    (2**63 - 1, "9223372036854775807", ["9223372036854775806", "9223372036854775808", "9.223372036854775807e18"]),
    (2**53 + 1, "9007199254740993", ["9007199254740992"]),
    (True, "true", ["True", "1", "false", "t", ""]),
    (False, "false", ["False", "0", "true", "", "null"]),
    ("4", "4", ["4.0", '"4"', "4e0"]),
    ("4.0", "4.0", ["4"]),
    ("4e0", "4e0", ["4", "4.0"]),
    ("true", "true", ["1", "True"]),
    ("null", "null", [""]),
    ("größe 🚗", "größe 🚗", ["größe", "GRÖSSE 🚗"]),
    ("a+b&c=d#e%20f", "a+b&c=d#e%20f", ["a b&c=d#e f"]),
    ('it\'s "here" \\ \n', 'it\'s "here" \\ \n', ["it's here"]),
    ("100%", "100%", ["100", "1000"]),
]
KEYS = [
    "k",
    "engine.size",
    ".",
    "attribute.k",
    "a b",
    " ",
    "größe",
    "🚗",
    'a"b',
    '"k"',
    "it's",
    "'",
    "a\\b",
    "\\",
    "$",
    "$.k",
    "k[0]",
    "[0]",
    "0",
    "%",
    "a=b",
    "a&b",
    "a+b",
    "a\tb\n",
    "a\x01",
    "name",
    "limit",
    "k" * 64,
    "'; DROP TABLE x --",
    "{k}",
    ":k",
    "%(k)s",
]


@pytest.fixture
def names(client):
    def names(*filters, **params):
        query = [(f"attribute.{key}", value) for key, value in filters]
        response = client.get("/api/cars", query_string=[*query, *params.items()])
        assert response.status_code == 200, response.text
        return [vehicle["name"] for vehicle in response.json]

    return names


@table_driven(("value", "text", "others"), VALUES)
def test_a_value_is_compared_as_text_and_completely(client, register, names, value, text, others):
    cars = register("Car1", attributes={"k": value}), register("Car2", attributes={"other": value})
    listed, others_listed = names(("k", text)), {other: names(("k", other)) for other in others}
    for car in cars:
        assert client.delete(car).status_code == 204
    assert listed == ["Car1"]
    assert others_listed == {other: [] for other in others}


@pytest.mark.through_gateway
@table_driven("key", KEYS)
def test_a_key_is_compared_literally(client, register, names, key):
    cars = register("Car1", attributes={key: "here"}), register("Car2", attributes={f"x{key}"[:64]: "here"})
    listed = names((key, "here")), names((key, "there"))
    for car in cars:
        assert client.delete(car).status_code == 204
    assert listed == (["Car1"], [])


def test_a_key_is_case_sensitive(register, names):
    register("Car1", attributes={"City": "Leeds", "city": "York"})
    assert names(("City", "Leeds")) == names(("city", "York")) == ["Car1"]
    assert names(("city", "Leeds")) == names(("CITY", "York")) == []


@pytest.fixture
def three_cars(register):
    register("Car1", attributes={"city": "Leeds", "seats": 4, "electric": True})
    register("Car2", attributes={"city": "Leeds", "seats": 5, "electric": True})
    register("Car3", attributes={"city": "York", "seats": 4})


@table_driven(
    ("filters", "expected"),
    [
        ([("city", "Leeds")], ["Car1", "Car2"]),
        ([("seats", "4")], ["Car1", "Car3"]),
        ([("city", "Leeds"), ("seats", "4")], ["Car1"]),
        ([("city", "Leeds"), ("seats", "4"), ("electric", "true")], ["Car1"]),
        ([("city", "Leeds"), ("city", "Leeds")], ["Car1", "Car2"]),
        ([("city", "Leeds"), ("city", "York")], []),
        ([("city", "York"), ("electric", "true")], []),
        ([("colour", "red")], []),
        ([("colour", "")], []),
        ([("electric", "false")], []),
    ],
)
def test_all_filters_must_match(three_cars, names, filters, expected):
    assert names(*filters) == expected


def test_attribute_filters_combine_with_the_name(three_cars, names):
    assert names(("city", "Leeds"), name="Car2") == ["Car2"]
    assert names(("city", "Leeds"), name="Car3") == []


def test_only_the_requested_type_is_searched(three_cars, client, register):
    register("Lorry1", "lorries", attributes={"city": "Leeds"})
    lorries = client.get("/api/lorries", query_string={"attribute.city": "Leeds"}).json
    assert [lorry["name"] for lorry in lorries] == ["Lorry1"]


@pytest.mark.through_gateway
def test_the_next_link_keeps_all_filters(register, follow_pages):
    for number in range(6):
        register(f"Car{number}", attributes={"ci ty.é": "Leeds+York", "even": number % 2 == 0})
    pages = list(follow_pages("/api/cars?limit=1&attribute.ci%20ty.%C3%A9=Leeds%2BYork&attribute.even=true"))
    assert [[car["name"] for car in page] for page in pages] == [["Car0"], ["Car2"], ["Car4"]]


@pytest.mark.one_engine
@table_driven("field", ["attribute", "attributes", "attributes.city", "Attribute.city", "attribute_city"])
def test_a_parameter_that_only_resembles_a_filter_is_refused(client, three_cars, refused, field):
    refused(client.get("/api/cars", query_string={field: "Leeds"}), 422, "invalid_fields", field)


@pytest.mark.one_engine
@pytest.mark.parametrize("url", ["/api/cars/all/allocations", "/api/events"])
def test_other_lists_refuse_attribute_filters(client, refused, url):
    refused(client.get(url, query_string={"attribute.city": "Leeds"}), 422, "invalid_fields", "attribute.city")


@pytest.mark.one_engine
@table_driven("rest", ["=x", f"{'k' * 65}=x", "k=%00", "k%00=x", "k=%ff", "%ff=x", "k=%ED%A0%80", "k=" + "x" * 5000])
def test_a_filter_that_no_vehicle_can_match_finds_nothing_or_is_refused(client, three_cars, refused, rest):
    response = client.get(f"/api/cars?attribute.{rest}")
    if response.status_code == 200:
        assert response.json == []
    else:
        assert all(field.startswith("attribute.") for field in refused(response, 422, "invalid_fields")["errors"])


@pytest.mark.through_gateway
def test_very_many_filters_cause_no_server_error(client, three_cars, refused):
    response = client.get("/api/cars?" + "&".join(f"attribute.key{number}=x" for number in range(200)))
    if response.status_code == 200:
        assert response.json == []
    else:
        refused(response, 422, "invalid_fields")


@pytest.mark.through_gateway
def test_very_many_filters_by_one_key_cause_no_server_error(client, car):
    query = [("attribute.k", "v")] * 1200
    assert client.get("/api/cars", query_string=query).status_code in (200, 422)
