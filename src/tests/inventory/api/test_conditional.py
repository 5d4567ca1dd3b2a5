"""Conditional requests: ETag, If-None-Match on reads, and If-Match on deletes (RFC 9110, section 13)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.tables import table_driven

JSON, XML = "application/json", "application/xml"


@pytest.fixture(params=["vehicle", "allocation", "allocation via all"])
def item(request: pytest.FixtureRequest, car: str) -> str:
    """The URL of an item with an ETag: a vehicle, or an allocation under its vehicle or under ``all``."""
    if request.param == "vehicle":
        return car
    booking: str = request.getfixturevalue("booking")
    return booking if request.param == "allocation" else booking.replace(car, "/api/cars/all")


@pytest.mark.through_gateway
@pytest.mark.parametrize("accept", [JSON, XML])
def test_a_create_returns_the_same_etag_as_a_read(client: FlaskClient, car: str, accept: str) -> None:
    body = {"from_infinity": True, "to_infinity": True}
    for url, fields in (("/api/cars", {"name": "Car2"}), (f"{car}/allocations", body)):
        created = client.post(url, json=fields, headers={"Accept": accept})
        assert created.status_code == 201
        location = created.headers["Location"]
        assert created.headers["ETag"] == client.get(location, headers={"Accept": accept}).headers["ETag"]


def test_an_etag_is_strong_and_stable_without_changes(client: FlaskClient, item: str) -> None:
    first, second = (client.get(item).headers["ETag"] for _ in range(2))
    assert first == second
    assert re.fullmatch('"[!#-~]+"', first)


@pytest.mark.through_gateway
@pytest.mark.one_engine
def test_json_and_xml_have_different_etags(client: FlaskClient, item: str) -> None:
    # RFC 9110, section 8.8.1: a strong validator identifies one sequence of bytes.
    assert len({client.get(item, headers={"Accept": accept}).headers["ETag"] for accept in (JSON, XML)}) == 2


# How compressing proxies (nginx, Apache, Caddy) change ETags.
PROXIED = ["W/{etag}", '"{inside}-gzip"', '"{inside}-br"', '"{inside}-zstd"', 'W/"{inside}-gzip"']


def written_as(form: str, etag: str) -> str:
    return form.format(etag=etag, inside=etag.strip('"'))


@pytest.mark.one_engine
@pytest.mark.parametrize("accept", [JSON, XML])
@pytest.mark.parametrize("form", PROXIED)
def test_an_etag_changed_by_a_proxy_still_matches(client: FlaskClient, item: str, form: str, accept: str) -> None:
    etag = client.get(item, headers={"Accept": accept}).headers["ETag"]
    headers = {"Accept": accept, "If-None-Match": f'"other-gzip", {written_as(form, etag)}'}
    response = client.get(item, headers=headers)
    assert (response.status_code, response.headers["ETag"]) == (304, etag)
    wrong = {"Accept": accept, "If-Match": written_as(form, '"7"')}
    assert client.delete(item, headers=wrong).status_code == 412
    right = {"Accept": accept, "If-Match": f'"other", {written_as(form, etag)}'}
    assert client.delete(item, headers=right).status_code == 204


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("header", ["{etag}", "W/{etag}", '"other", {etag}', '{etag} , "other"', "*", '"a,b",{etag}'])
def test_a_matching_if_none_match_gets_304(client: FlaskClient, item: str, header: str) -> None:
    etag = client.get(item).headers["ETag"]
    response = client.get(item, headers={"If-None-Match": header.format(etag=etag)})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)
    assert "Accept" in response.headers["Vary"]


@pytest.mark.one_engine
@table_driven("header", ['"other"', 'W/"other"', '"other", "another"', "other", '""', "", ","])
def test_another_if_none_match_gets_the_item(client: FlaskClient, item: str, header: str) -> None:
    response = client.get(item, headers={"If-None-Match": header})
    assert (response.status_code, response.json) == (200, client.get(item).json)


@pytest.mark.one_engine
def test_the_etag_of_json_does_not_match_the_xml(client: FlaskClient, item: str) -> None:
    etag = client.get(item).headers["ETag"]
    assert client.get(item, headers={"If-None-Match": etag, "Accept": XML}).status_code == 200


def test_a_deleted_item_is_404_despite_if_none_match(
    client: FlaskClient, booking: str, refused: Callable[..., Any]
) -> None:
    etag = client.get(booking).headers["ETag"]
    client.delete(booking)
    refused(client.get(booking, headers={"If-None-Match": etag}), 404, "allocation_not_found")


@pytest.mark.through_gateway
@pytest.mark.parametrize("header", ["{etag}", '"other", {etag}', "*", ' ,,"other" , ,{etag},, '])
def test_a_matching_if_match_allows_the_delete(client: FlaskClient, item: str, header: str) -> None:
    etag = client.get(item).headers["ETag"]
    assert client.delete(item, headers={"If-Match": header.format(etag=etag)}).status_code == 204
    assert client.get(item).status_code == 404


def test_the_etag_of_the_xml_allows_the_delete(client: FlaskClient, item: str) -> None:
    etag = client.get(item, headers={"Accept": XML}).headers["ETag"]
    assert client.delete(item, headers={"If-Match": etag, "Accept": XML}).status_code == 204


OTHERS = ['"other"', 'W/"other"', '"{etag}"', '"x{inside}"', '""', '"{inside}-deflate"', '"{inside}-gzip-xml"']


@pytest.mark.through_gateway
@pytest.mark.parametrize("header", OTHERS)
def test_another_if_match_prevents_the_delete_and_the_response_has_the_etag(
    client: FlaskClient,
    item: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    header: str,
) -> None:
    etag = client.get(item).headers["ETag"]
    with nothing_changes():
        response = client.delete(item, headers={"If-Match": header.format(etag=etag, inside=etag.strip('"'))})
        refused(response, 412, "version_mismatch")
        assert response.headers["ETag"] == client.get(item).headers["ETag"] == etag
    assert client.delete(item, headers={"If-Match": response.headers["ETag"]}).status_code == 204


BROKEN = ["", ",", "other", '"other', '"', "W/", '*, "other"', "é", '"\xff"', '"' * 99, "a" * 5000, '"a",' * 5000]


# The ETag of the current version is "1".
@pytest.mark.one_engine
@table_driven("header", [*BROKEN, "1", "'1'", '"1', 'w/"1"', '"1""1"', '"1" *', '"other", *', '"1"x'])
def test_an_if_match_without_a_valid_etag_prevents_the_delete(
    client: FlaskClient, item: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any], header: str
) -> None:
    with nothing_changes():
        response = client.delete(item, environ_overrides={"HTTP_IF_MATCH": header})
        refused(response, 412, "version_mismatch")


@pytest.mark.one_engine
@table_driven("tag", ['"01"', '"1-XML"', '"+1"', '"1 "', '"0"', '"99999999999999999999"'])
def test_an_etag_is_compared_exactly(client: FlaskClient, car: str, tag: str) -> None:
    assert client.delete(car, headers={"If-Match": tag}).status_code == 412
    assert client.get(car).status_code == 200


@pytest.mark.through_gateway
@pytest.mark.one_engine
@table_driven("header", ['"', "W/", '*, "other"', "é", '"\xff"', '"' * 99, "a" * 5000])
def test_an_invalid_if_none_match_causes_no_server_error(client: FlaskClient, item: str, header: str) -> None:
    assert client.get(item, environ_overrides={"HTTP_IF_NONE_MATCH": header}).status_code in (200, 304)


def test_a_matching_if_match_does_not_delete_a_vehicle_in_use(
    client: FlaskClient, car: str, booking: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any]
) -> None:
    etag = client.get(car).headers["ETag"]
    with nothing_changes():
        refused(client.delete(car, headers={"If-Match": etag}), 409, "resource_in_use")


@pytest.mark.one_engine
def test_a_read_with_if_match_any_version_returns_the_item(client: FlaskClient, car: str) -> None:
    response = client.get(car, headers={"If-Match": "*"})
    assert (response.status_code, response.json and response.json["name"]) == (200, "Car1")


@pytest.mark.one_engine
def test_a_read_with_another_if_match_returns_the_item_or_412(client: FlaskClient, car: str) -> None:
    response = client.get(car, headers={"If-Match": '"7"'})
    assert (response.status_code, response.mimetype) in [(200, "application/json"), (412, "application/problem+json")]
