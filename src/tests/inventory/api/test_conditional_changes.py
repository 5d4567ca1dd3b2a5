"""If-Match in changes of vehicles and allocations prevents lost updates (RFC 9110, section 13)."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently
from tests.support.tables import table_driven

XML = "application/xml"


@pytest.fixture(params=["vehicle", "allocation", "allocation via all"])
def item(request, car):
    """The URL of an item that can be changed: a vehicle, or an allocation under its vehicle or under ``all``."""
    if request.param == "vehicle":
        return car
    booking = request.getfixturevalue("booking")
    return booking if request.param == "allocation" else booking.replace(car, "/api/cars/all")


def change(item, text):
    """Return a request body that changes the item."""
    return {"description": text} if "/allocations/" in item else {"name": text}


@pytest.mark.through_gateway
@pytest.mark.parametrize("header", ["{etag}", '"other", {etag}', "*"])
def test_a_matching_if_match_allows_the_change(client, item, header):
    etag = client.get(item).headers["ETag"]
    response = client.patch(item, json=change(item, "new"), headers={"If-Match": header.format(etag=etag)})
    assert response.status_code == 200, response.text
    assert response.headers["ETag"] == client.get(item).headers["ETag"] != etag


def test_the_etag_of_the_xml_allows_the_change(client, item):
    etag = client.get(item, headers={"Accept": XML}).headers["ETag"]
    response = client.patch(item, json=change(item, "new"), headers={"If-Match": etag, "Accept": XML})
    assert response.status_code == 200
    assert response.headers["ETag"] == client.get(item, headers={"Accept": XML}).headers["ETag"]


@table_driven(
    "header", ['"other"', 'W/"other"', '"{etag}"', '""', "", "other", "1", '*, "other"', '"other", *', "é", "a" * 5000]
)
def test_another_if_match_prevents_the_change_and_the_response_has_the_etag(
    client, item, refused, nothing_changes, header
):
    etag = client.get(item).headers["ETag"]
    with nothing_changes():
        response = client.patch(
            item, json=change(item, "new"), environ_overrides={"HTTP_IF_MATCH": header.format(etag=etag)}
        )
        refused(response, 412, "version_mismatch")
    assert response.headers["ETag"] == client.get(item).headers["ETag"] == etag


def test_if_match_also_applies_to_a_change_without_fields(client, item, refused):
    refused(client.patch(item, json={}, headers={"If-Match": '"other"'}), 412, "version_mismatch")


def test_every_change_creates_a_new_etag(client, item, refused):
    etags = [client.get(item).headers["ETag"]]
    for text in ("b", "c", "b"):
        etags.append(client.patch(item, json=change(item, text), headers={"If-Match": etags[-1]}).headers["ETag"])
    assert len(set(etags)) == 4
    for old in etags[:-1]:
        refused(client.patch(item, json=change(item, "d"), headers={"If-Match": old}), 412, "version_mismatch")
        refused(client.delete(item, headers={"If-Match": old}), 412, "version_mismatch")
        assert client.get(item, headers={"If-None-Match": old}).status_code == 200
    assert client.get(item, headers={"If-None-Match": etags[-1]}).status_code == 304
    assert client.delete(item, headers={"If-Match": etags[-1]}).status_code == 204


def test_a_matching_if_match_does_not_override_a_conflict(client, item, register, refused, nothing_changes):
    other = register("Car2")
    client.post(f"{other}/allocations", json={"from_infinity": True, "to_infinity": True})
    fields, code = {"name": "Car2"}, "name_taken"
    if "/allocations/" in item:
        fields, code = {"resource_id": other[-36:]}, "period_taken"
    with nothing_changes():
        response = client.patch(item, json=fields, headers={"If-Match": client.get(item).headers["ETag"]})
        refused(response, 409, code)


def test_one_of_many_concurrent_changes_with_the_same_etag_succeeds(app, client, item):
    for turn in range(5):
        etag = client.get(item).headers["ETag"]
        requests = [
            {
                "method": "PATCH",
                "path": item,
                "json": change(item, f"{turn} by {caller}"),
                "headers": {"If-Match": etag},
            }
            for caller in range(4)
        ]
        responses = send_concurrently(app, requests)
        assert count_outcomes(responses) == {200: 1, "version_mismatch": 3}
        [winner] = [response.json for response in responses if response.status_code == 200]
        assert client.get(item).json == winner
