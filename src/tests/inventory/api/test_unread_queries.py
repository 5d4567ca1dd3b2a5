"""Unsupported query parameters: every operation refuses them and changes nothing."""

import pytest

from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

DAY = {"from_datetime": "2099-03-01T00:00:00Z", "to_datetime": "2099-03-02T00:00:00Z"}
WITHOUT_PARAMETERS = [
    ("POST", "/api/cars", {"name": "Car2"}),
    ("POST", "{car}/allocations", DAY),
    ("POST", "/api/cars/any/allocations", DAY),
    ("GET", "{car}", None),
    ("HEAD", "{car}", None),
    ("PATCH", "{car}", {"name": "Car2"}),
    ("DELETE", "{car}", None),
    ("GET", "{booking}", None),
    ("PATCH", "{booking}", {"description": "new"}),
    ("DELETE", "{booking}", None),
    ("GET", "/api/cars/gbfs/vehicle_availability.json", None),
]


@table_driven(("method", "path", "body"), WITHOUT_PARAMETERS)
@table_driven("query", ["quantity=2", "limit=1&x=", "=", "%ff", "attribute.seats=4"])
def test_an_unsupported_parameter_is_refused(client, car, booking, refused, nothing_changes, method, path, body, query):
    with nothing_changes():
        response = client.open(f"{path.format(car=car, booking=booking)}?{query}", method=method, json=body)
        if method == "HEAD":
            assert response.status_code == 422
        else:
            refused(response, 422, "invalid_fields")


@pytest.mark.through_gateway
def test_the_unsupported_parameters_are_named(client, car, refused):
    refused(client.delete(f"{car}?force=1&dry"), 422, "invalid_fields", "force", "dry")


@pytest.mark.through_gateway
@pytest.mark.parametrize("query", ["", "&", "&&"])
def test_an_empty_query_is_accepted(client, car, query):
    assert client.get(f"{car}?{query}").status_code == 200


@pytest.fixture
def percent_car(register):
    """Register a car that ``name=%ff`` would find if the query were not percent-decoded."""
    register("%ff", attributes={"k": "%ff"})


@pytest.mark.through_gateway
@pytest.mark.usefixtures("percent_car")
@table_driven("path", ["/api/cars", "/api/cars/all/allocations", "/api/cars/all/availability", "/api/events"])
@table_driven("query", ["name=%ff", "%ff=1", "limit=1&name=a%C3", "name=%ED%A0%80", "attribute.k=%ff"])
def test_a_query_that_is_not_utf8_is_refused(client, refused, path, query):
    refused(client.get(f"{path}?{query}"), 422, "invalid_fields")


@table_driven(
    ("method", "path"),
    [("GET", "/api/cars"), ("GET", "/api/events"), ("GET", "{car}"), ("DELETE", "{car}")],
)
@table_driven(
    ("query", "name"),
    [("na+me=\x80", "na me"), ("\xff=1", "\\xff"), ("limit=1&a%62c=\xc3", "abc"), ("\xe2\x82=1", "\\xe2\\x82")],
)
def test_raw_bytes_that_are_not_utf8_are_refused(client, car, refused, nothing_changes, method, path, query, name):
    with nothing_changes():
        response = client.open(path.format(car=car), method=method, environ_overrides={"QUERY_STRING": query})
        refused(response, 422, "invalid_fields", name)


@pytest.mark.through_gateway
def test_a_percent_sign_without_hex_digits_is_text(client, register):
    register("100%")
    assert [car["name"] for car in client.get("/api/cars?name=100%").json] == ["100%"]
    assert [car["name"] for car in client.get("/api/cars?name=100%25").json] == ["100%"]
