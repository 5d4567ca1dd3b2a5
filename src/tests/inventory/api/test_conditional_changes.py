"""If-Match on changes of vehicles and allocations: nobody's change is lost (RFC 9110, chapter 13)."""

import pytest

from tests.support.concurrent_calls import count_outcomes, send_concurrently

XML = "application/xml"


@pytest.fixture(params=["vehicle", "allocation", "allocation via all"])
def item(request, car):
    """The URL of each kind of item that can be changed."""
    if request.param == "vehicle":
        return car
    booking = request.getfixturevalue("booking")
    return booking if request.param == "allocation" else booking.replace(car, "/api/cars/all")


def change(item, text):
    """Give a body that changes the item."""
    return {"description": text} if "/allocations/" in item else {"name": text}


@pytest.mark.parametrize("written", ["{etag}", '"other", {etag}', "*"])
def test_the_version_that_is_there_is_changed(client, item, written):
    etag = client.get(item).headers["ETag"]
    response = client.patch(item, json=change(item, "new"), headers={"If-Match": written.format(etag=etag)})
    assert response.status_code == 200, response.text
    assert response.headers["ETag"] == client.get(item).headers["ETag"] != etag


def test_the_etag_of_the_xml_may_change_too(client, item):
    etag = client.get(item, headers={"Accept": XML}).headers["ETag"]
    response = client.patch(item, json=change(item, "new"), headers={"If-Match": etag, "Accept": XML})
    assert response.status_code == 200
    assert response.headers["ETag"] == client.get(item, headers={"Accept": XML}).headers["ETag"]


@pytest.mark.parametrize(
    "written", ['"other"', 'W/"other"', '"{etag}"', '""', "", "other", "1", '*, "other"', '"other", *', "é", "a" * 5000]
)
def test_another_version_is_not_changed_and_the_etag_is_told(client, item, refused, nothing_changes, written):
    etag = client.get(item).headers["ETag"]
    with nothing_changes():
        response = client.patch(
            item, json=change(item, "new"), environ_overrides={"HTTP_IF_MATCH": written.format(etag=etag)}
        )
        refused(response, 412, "version_mismatch")
    assert response.headers["ETag"] == client.get(item).headers["ETag"] == etag


def test_a_change_of_nothing_is_held_to_its_version_too(client, item, refused):
    refused(client.patch(item, json={}, headers={"If-Match": '"other"'}), 412, "version_mismatch")


def test_every_change_makes_a_version_of_its_own(client, item, refused):
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


def test_a_version_that_is_there_is_no_reason_to_take_what_is_taken(client, item, register, refused, nothing_changes):
    other = register("Car2")
    client.post(f"{other}/allocations", json={"from_infinity": True, "to_infinity": True})
    wanted, code = {"name": "Car2"}, "name_taken"
    if "/allocations/" in item:
        wanted, code = {"resource_id": other[-36:]}, "period_taken"
    with nothing_changes():
        response = client.patch(item, json=wanted, headers={"If-Match": client.get(item).headers["ETag"]})
        refused(response, 409, code)


def test_of_many_who_read_the_same_version_one_may_change_it(app, client, item):
    for turn in range(5):
        etag = client.get(item).headers["ETag"]
        orders = [
            {
                "method": "PATCH",
                "path": item,
                "json": change(item, f"{turn} by {caller}"),
                "headers": {"If-Match": etag},
            }
            for caller in range(4)
        ]
        responses = send_concurrently(app, orders)
        assert count_outcomes(responses) == {200: 1, "version_mismatch": 3}
        [won] = [response.json for response in responses if response.status_code == 200]
        assert client.get(item).json == won
