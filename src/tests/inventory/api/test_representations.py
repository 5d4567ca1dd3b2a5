"""JSON or XML: which one a caller gets, and that both say the same."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

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


@pytest.mark.parametrize(
    ("accept", "given"),
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
@pytest.mark.parametrize("path", ["/api/cars", "/api/cars/all/allocations"])
def test_accept_decides_and_json_is_preferred(client: FlaskClient, path: str, accept: str | None, given: str) -> None:
    response = client.get(path, headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, given)
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("accept", [None, "*/*", BROWSER, "text/html", JSON])
def test_refusals_are_json_unless_xml_was_asked_for(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/api/vans", headers={} if accept is None else {"Accept": accept})
    assert response.mimetype == "application/problem+json"


def test_a_vehicle_in_xml_says_what_it_says_in_json(client: FlaskClient, register: Callable[..., str]) -> None:
    url = register("Kä<f>&er 'x' \"y\"", attributes={"seats": 4, "city": "Leeds", "electric": True, "weight": 1.5})
    said = client.get(url).json
    found = in_xml(client.get(url, headers={"Accept": XML}))
    assert found.tag == "resource"
    assert [child.tag for child in found] == list(said)
    assert texts(found) == {key: said[key] for key in ("id", "name", "resource_type", "created")}
    assert texts(found.find("attributes")) == {"seats": "4", "city": "Leeds", "electric": "true", "weight": "1.5"}


def test_an_allocation_in_xml_says_what_it_says_in_json(client: FlaskClient, booking: str) -> None:
    said = client.get(booking).json
    found = in_xml(client.get(booking, headers={"Accept": XML}))
    assert found.tag == "allocation"
    assert [child.tag for child in found] == list(said)
    assert texts(found) == {key: as_text(value) for key, value in said.items() if key != "dump"} | {"dump": ""}


def test_lists_in_xml_hold_what_they_hold_in_json(client: FlaskClient, booking: str) -> None:
    cars = in_xml(client.get("/api/cars", headers={"Accept": XML}))
    assert (cars.tag, [child.tag for child in cars]) == ("resources", ["resource"])
    allocations = in_xml(client.get("/api/cars/all/allocations", headers={"Accept": XML}))
    assert (allocations.tag, [child.tag for child in allocations]) == ("allocations", ["allocation"])
    assert booking.endswith(str(allocations.findtext("allocation/id")))


def test_empty_lists_in_xml_are_empty(client: FlaskClient, car: str) -> None:
    found = in_xml(client.get(f"{car}/allocations", headers={"Accept": XML}))
    assert (found.tag, len(found)) == ("allocations", 0)


def test_a_created_one_is_answered_in_xml_too(client: FlaskClient) -> None:
    response = client.post("/api/cars", json={"name": "Car1"}, headers={"Accept": XML})
    assert response.status_code == 201
    assert str(in_xml(response).findtext("id")) in response.headers["Location"]


@pytest.mark.parametrize(
    "text", ["a\x01b", "\x0b", "a\ufffe", "\uffff", "]]>", "<![CDATA[", "&amp;", "\r\n", "🚗", " x "]
)
def test_any_text_makes_well_formed_xml(
    client: FlaskClient, car: str, allocate: Callable[..., TestResponse], text: str
) -> None:
    made = allocate(car, None, None, description=text, dump={text: text, "list": [text, {text: None}]})
    assert (made.status_code, made.json["description"]) == (201, text)
    in_xml(client.get(made.headers["Location"], headers={"Accept": XML}))


@pytest.mark.parametrize("key", ["a b", "1", "<", "xml", "a:b", "é", "-", "ns:é", ".", "a\x01"])
def test_any_key_makes_well_formed_xml(client: FlaskClient, register: Callable[..., str], key: str) -> None:
    url = register("Car1", attributes={key: "value"})
    found = in_xml(client.get(url, headers={"Accept": XML})).find("attributes")
    assert [child.text for child in found] == ["value"]


def test_a_refusal_in_xml_says_what_rfc_9457_wants(client: FlaskClient) -> None:
    response = client.get("/api/vans", headers={"Accept": XML, "X-Request-Id": "<&>"})
    assert (response.status_code, response.mimetype) == (404, "application/problem+xml")
    found = ET.fromstring(response.data)
    said = {child.tag.removeprefix(PROBLEM): child.text for child in found}
    assert found.tag == f"{PROBLEM}problem"
    assert said.pop("title")
    assert said.pop("detail")
    assert said == {"type": "/docs/problems/not_found", "status": "404", "code": "not_found", "request_id": "<&>"}


def test_conflicts_and_errors_stand_in_the_xml_refusal_too(client: FlaskClient, car: str, booking: str) -> None:
    def refusal(body: dict[str, Any]) -> ET.Element:
        return ET.fromstring(client.post(f"{car}/allocations", json=body, headers={"Accept": XML}).data)

    taken = refusal({"from_infinity": True, "to_infinity": True})
    assert [booking.endswith(str(found.text)) for found in taken.iter(f"{PROBLEM}id")] == [True]
    invalid = refusal({"from_infinity": True, "to_infinity": True, "colour": "red", "no name": 1})
    assert invalid.findtext(f"{PROBLEM}code") == "invalid_fields"
    assert invalid.find(f"{PROBLEM}errors/{PROBLEM}colour") is not None
