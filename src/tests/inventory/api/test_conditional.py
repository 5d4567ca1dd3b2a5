"""Conditional requests: ETag, If-None-Match on reading, If-Match on deleting (RFC 9110, chapter 13)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

JSON, XML = "application/json", "application/xml"


@pytest.fixture(params=["vehicle", "allocation", "allocation via all"])
def item(request: pytest.FixtureRequest, car: str) -> str:
    """The URL of each kind of item that has an ETag."""
    if request.param == "vehicle":
        return car
    booking: str = request.getfixturevalue("booking")
    return booking if request.param == "allocation" else booking.replace(car, "/api/cars/all")


@pytest.mark.parametrize("accept", [JSON, XML])
def test_what_was_created_has_the_etag_that_reading_it_gives(client: FlaskClient, car: str, accept: str) -> None:
    body = {"from_infinity": True, "to_infinity": True}
    for url, fields in (("/api/cars", {"name": "Car2"}), (f"{car}/allocations", body)):
        made = client.post(url, json=fields, headers={"Accept": accept})
        assert made.status_code == 201
        assert made.headers["ETag"] == client.get(made.headers["Location"], headers={"Accept": accept}).headers["ETag"]


def test_an_etag_is_strong_and_stays_while_nothing_changes(client: FlaskClient, item: str) -> None:
    first, second = (client.get(item).headers["ETag"] for _ in range(2))
    assert first == second
    assert re.fullmatch('"[!#-~]+"', first)


def test_json_and_xml_have_different_etags(client: FlaskClient, item: str) -> None:
    # RFC 9110, 8.8.1: a strong validator names one sequence of bytes.
    assert len({client.get(item, headers={"Accept": accept}).headers["ETag"] for accept in (JSON, XML)}) == 2


# As proxies that compress send it on: nginx, Apache, Caddy.
PROXIED = ["W/{etag}", '"{inside}-gzip"', '"{inside}-br"', '"{inside}-zstd"', 'W/"{inside}-gzip"']


def written_as(form: str, etag: str) -> str:
    return form.format(etag=etag, inside=etag.strip('"'))


@pytest.mark.parametrize("accept", [JSON, XML])
@pytest.mark.parametrize("form", PROXIED)
def test_an_etag_that_a_proxy_changed_is_still_known(client: FlaskClient, item: str, form: str, accept: str) -> None:
    etag = client.get(item, headers={"Accept": accept}).headers["ETag"]
    headers = {"Accept": accept, "If-None-Match": f'"other-gzip", {written_as(form, etag)}'}
    response = client.get(item, headers=headers)
    assert (response.status_code, response.headers["ETag"]) == (304, etag)
    wrong = {"Accept": accept, "If-Match": written_as(form, '"7"')}
    assert client.delete(item, headers=wrong).status_code == 412
    right = {"Accept": accept, "If-Match": f'"other", {written_as(form, etag)}'}
    assert client.delete(item, headers=right).status_code == 204


@pytest.mark.parametrize("written", ["{etag}", "W/{etag}", '"other", {etag}', '{etag} , "other"', "*", '"a,b",{etag}'])
def test_what_the_caller_has_already_is_not_sent_again(client: FlaskClient, item: str, written: str) -> None:
    etag = client.get(item).headers["ETag"]
    response = client.get(item, headers={"If-None-Match": written.format(etag=etag)})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("written", ['"other"', 'W/"other"', '"other", "another"', "other", '""', "", ","])
def test_what_the_caller_has_not_is_sent(client: FlaskClient, item: str, written: str) -> None:
    response = client.get(item, headers={"If-None-Match": written})
    assert (response.status_code, response.json) == (200, client.get(item).json)


def test_the_etag_of_json_does_not_stand_for_xml(client: FlaskClient, item: str) -> None:
    etag = client.get(item).headers["ETag"]
    assert client.get(item, headers={"If-None-Match": etag, "Accept": XML}).status_code == 200


def test_if_none_match_does_not_hide_that_it_is_gone(
    client: FlaskClient, booking: str, refused: Callable[..., Any]
) -> None:
    etag = client.get(booking).headers["ETag"]
    client.delete(booking)
    refused(client.get(booking, headers={"If-None-Match": etag}), 404, "allocation_not_found")


@pytest.mark.parametrize("written", ["{etag}", '"other", {etag}', "*", ' ,,"other" , ,{etag},, '])
def test_the_version_that_is_there_may_be_deleted(client: FlaskClient, item: str, written: str) -> None:
    etag = client.get(item).headers["ETag"]
    assert client.delete(item, headers={"If-Match": written.format(etag=etag)}).status_code == 204
    assert client.get(item).status_code == 404


def test_the_etag_of_the_xml_may_delete_too(client: FlaskClient, item: str) -> None:
    etag = client.get(item, headers={"Accept": XML}).headers["ETag"]
    assert client.delete(item, headers={"If-Match": etag, "Accept": XML}).status_code == 204


OTHERS = ['"other"', 'W/"other"', '"{etag}"', '"x{inside}"', '""', '"{inside}-deflate"', '"{inside}-gzip-xml"']


@pytest.mark.parametrize("written", OTHERS)
def test_another_version_is_not_deleted_and_the_etag_is_told(
    client: FlaskClient,
    item: str,
    refused: Callable[..., Any],
    nothing_changes: Callable[..., Any],
    written: str,
) -> None:
    etag = client.get(item).headers["ETag"]
    with nothing_changes():
        response = client.delete(item, headers={"If-Match": written.format(etag=etag, inside=etag.strip('"'))})
        refused(response, 412, "version_mismatch")
        assert response.headers["ETag"] == client.get(item).headers["ETag"] == etag
    assert client.delete(item, headers={"If-Match": response.headers["ETag"]}).status_code == 204


BROKEN = ["", ",", "other", '"other', '"', "W/", '*, "other"', "é", '"\xff"', '"' * 99, "a" * 5000, '"a",' * 5000]


# The version that is there is 1.
@pytest.mark.parametrize("written", [*BROKEN, "1", "'1'", '"1', 'w/"1"', '"1""1"', '"1" *', '"other", *', '"1"x'])
def test_an_if_match_that_names_no_version_of_ours_deletes_nothing(
    client: FlaskClient, item: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any], written: str
) -> None:
    with nothing_changes():
        response = client.delete(item, environ_overrides={"HTTP_IF_MATCH": written})
        refused(response, 412, "version_mismatch")


@pytest.mark.parametrize("written", ['"', "W/", '*, "other"', "é", '"\xff"', '"' * 99, "a" * 5000])
def test_a_broken_if_none_match_is_no_failure_of_ours(client: FlaskClient, item: str, written: str) -> None:
    assert client.get(item, environ_overrides={"HTTP_IF_NONE_MATCH": written}).status_code in (200, 304)


def test_a_vehicle_in_use_stays_also_for_the_right_version(
    client: FlaskClient, car: str, booking: str, refused: Callable[..., Any], nothing_changes: Callable[..., Any]
) -> None:
    etag = client.get(car).headers["ETag"]
    with nothing_changes():
        refused(client.delete(car, headers={"If-Match": etag}), 409, "resource_in_use")
