"""JSON and XML: how a client chooses one, and that both contain the same data."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.tables import table_driven

pytestmark = pytest.mark.one_engine

JSON, XML = "application/json", "application/xml"
PROBLEM = "{urn:ietf:rfc:7807}"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def in_xml(response: TestResponse) -> ET.Element:
    assert response.mimetype == XML
    return ET.fromstring(response.data)


def texts(element: ET.Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in element if len(child) == 0}


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


@pytest.mark.through_gateway
@table_driven(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (XML, XML),
        ("Application/XML", XML),
        (f"{XML}; charset=utf-8", XML),
        (f"{XML};q=0.5", XML),
        (f"{XML}, text/html", XML),
        (f"{XML}, {JSON}", JSON),
        (f"{JSON}, {XML}", JSON),
        (f"{JSON};q=0, {XML}", XML),
        (f"{XML};q=0", JSON),
        (BROWSER, JSON),
        ("text/html", JSON),
        ("image/png, text/csv", JSON),
        ("nonsense", JSON),
        (";;;,,,", JSON),
        (f"{XML}{' ' * 28_000};q=1", JSON),
    ],
)
@table_driven("path", ["/api/cars", "/api/cars/all/allocations"])
def test_the_accept_header_selects_the_format_and_json_is_preferred(
    client: FlaskClient, path: str, accept: str | None, expected: str
) -> None:
    response = client.get(path, headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, expected)
    assert "Accept" in response.headers["Vary"]


@pytest.mark.through_gateway
@table_driven("accept", [None, "*/*", BROWSER, "text/html", JSON])
def test_error_responses_are_json_unless_xml_is_requested(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/api/vans", headers={} if accept is None else {"Accept": accept})
    assert response.mimetype == "application/problem+json"


@pytest.mark.through_gateway
def test_a_vehicle_has_the_same_data_in_xml_and_json(client: FlaskClient, register: Callable[..., str]) -> None:
    url = register("Kä<f>&er 'x' \"y\"", attributes={"seats": 4, "city": "Leeds", "electric": True, "weight": 1.5})
    vehicle = client.get(url).json
    element = in_xml(client.get(url, headers={"Accept": XML}))
    assert element.tag == "resource"
    assert [child.tag for child in element] == list(vehicle)
    assert texts(element) == {key: as_text(value) for key, value in vehicle.items() if key != "attributes"}
    assert texts(element.find("attributes")) == {"seats": "4", "city": "Leeds", "electric": "true", "weight": "1.5"}


def test_an_allocation_has_the_same_data_in_xml_and_json(client: FlaskClient, booking: str) -> None:
    allocation = client.get(booking).json
    element = in_xml(client.get(booking, headers={"Accept": XML}))
    assert element.tag == "allocation"
    assert [child.tag for child in element] == list(allocation)
    assert texts(element) == {key: as_text(value) for key, value in allocation.items() if key != "dump"} | {"dump": ""}


@pytest.mark.through_gateway
def test_lists_have_the_same_items_in_xml_and_json(client: FlaskClient, booking: str) -> None:
    cars = in_xml(client.get("/api/cars", headers={"Accept": XML}))
    assert (cars.tag, [child.tag for child in cars]) == ("resources", ["resource"])
    allocations = in_xml(client.get("/api/cars/all/allocations", headers={"Accept": XML}))
    assert (allocations.tag, [child.tag for child in allocations]) == ("allocations", ["allocation"])
    assert booking.endswith(str(allocations.findtext("allocation/id")))


def test_empty_lists_in_xml_are_empty(client: FlaskClient, car: str) -> None:
    element = in_xml(client.get(f"{car}/allocations", headers={"Accept": XML}))
    assert (element.tag, len(element)) == ("allocations", 0)


@pytest.mark.through_gateway
def test_a_create_can_respond_in_xml(client: FlaskClient) -> None:
    response = client.post("/api/cars", json={"name": "Car1"}, headers={"Accept": XML})
    assert response.status_code == 201
    assert str(in_xml(response).findtext("id")) in response.headers["Location"]


@pytest.mark.parametrize(
    "text", ["a\x01b", "\x0b", "a\ufffe", "\uffff", "]]>", "<![CDATA[", "&amp;", "\r\n", "🚗", " x "]
)
def test_any_text_results_in_well_formed_xml(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse], text: str
) -> None:
    response = allocate(car, None, None, description=text, dump={text: text, "list": [text, {text: None}]})
    assert (response.status_code, response.json["description"]) == (201, text)
    in_xml(client.get(response.headers["Location"], headers={"Accept": XML}))


@pytest.mark.parametrize("key", ["a b", "1", "<", "xml", "a:b", "é", "-", "ns:é", ".", "a\x01"])
def test_any_key_results_in_well_formed_xml(client: FlaskClient, register: Callable[..., str], key: str) -> None:
    url = register("Car1", attributes={key: "value"})
    element = in_xml(client.get(url, headers={"Accept": XML})).find("attributes")
    assert [child.text for child in element] == ["value"]


@pytest.mark.through_gateway
def test_an_error_response_in_xml_follows_rfc_9457(client: FlaskClient) -> None:
    response = client.get("/api/vans", headers={"Accept": XML, "X-Request-Id": "<&>"})
    assert (response.status_code, response.mimetype) == (404, "application/problem+xml")
    element = ET.fromstring(response.data)
    members = {child.tag.removeprefix(PROBLEM): child.text for child in element}
    assert element.tag == f"{PROBLEM}problem"
    assert members.pop("title")
    assert members.pop("detail")
    assert members == {"type": "/docs/problems/not_found", "status": "404", "code": "not_found", "request_id": "<&>"}


def test_an_error_response_in_xml_contains_conflicts_and_errors(client: FlaskClient, car: str, booking: str) -> None:
    def refusal(body: dict[str, Any]) -> ET.Element:
        return ET.fromstring(client.post(f"{car}/allocations", json=body, headers={"Accept": XML}).data)

    conflict = refusal({"from_infinity": True, "to_infinity": True})
    assert [booking.endswith(str(element.text)) for element in conflict.iter(f"{PROBLEM}id")] == [True]
    invalid = refusal({"from_infinity": True, "to_infinity": True, "colour": "red", "no name": 1})
    assert invalid.findtext(f"{PROBLEM}code") == "invalid_fields"
    assert invalid.find(f"{PROBLEM}errors/{PROBLEM}colour") is not None
