"""Pallets over HTTP: register, list, read, change and delete them."""

import uuid

import pytest

from tests.support.refusals import refused

URL = "/api/pallets"


@pytest.fixture
def register(client):
    """Return a function that registers a pallet and returns the response."""

    def register(name="First", **more):
        return client.post(URL, json={"name": name, **more})

    return register


@pytest.fixture
def first(register):
    """The URL of a pallet."""
    return register().headers["Location"]


def test_a_registered_pallet_can_be_read(client, register):
    answer = register("First", description="here")
    assert answer.status_code == 201
    assert answer.json == {
        "id": str(uuid.UUID(answer.json["id"])),
        "name": "First",
        "description": "here",
        "created": answer.json["created"],
        "created_by": None,
    }
    assert answer.json["created"].endswith("Z")
    assert answer.headers["Location"] == f"{URL}/{answer.json['id']}"
    response = client.get(answer.headers["Location"])
    assert (response.status_code, response.json, response.headers["ETag"]) == (200, answer.json, answer.headers["ETag"])


def test_a_name_is_stored_in_normal_form_c(register):
    assert register("Mu\u0308ller").json["name"] == "M\u00fcller"


def test_an_unchanged_pallet_is_not_sent_again(client, first):
    etag = client.get(first).headers["ETag"]
    assert client.get(first, headers={"If-None-Match": etag}).status_code == 304
    # A compressing proxy makes the ETag weak.
    assert client.get(first, headers={"If-None-Match": f"W/{etag}"}).status_code == 304


def test_callers_that_prefer_xml_get_it(client, first):
    answer = client.get(URL, headers={"Accept": "application/xml"})
    assert answer.mimetype == "application/xml"
    assert "<pallets><pallet><id>" in answer.text


def test_the_client_id_from_the_gateway_is_stored(client):
    answer = client.post(URL, json={"name": "First"}, headers={"X-Client-Id": "booking"})
    assert answer.json["created_by"] == "booking"
    stranger = {"REMOTE_ADDR": "192.0.2.1"}
    answer = client.post(URL, json={"name": "Second"}, headers={"X-Client-Id": "booking"}, environ_base=stranger)
    assert answer.json["created_by"] is None


def test_a_name_is_unique(client, register, first):
    refused(register("First"), 409, "name_taken")
    second = register("Second").headers["Location"]
    refused(client.patch(second, json={"name": "First"}), 409, "name_taken")
    assert client.get(second).json["name"] == "Second"


def test_a_list_is_read_page_by_page_in_the_order_of_names(client, register):
    for name in ("b", "a", "d", "c", "ä & b"):
        register(name)
    following, seen = f"{URL}?limit=2", []
    while following:
        answer = client.get(following)
        seen.append([item["name"] for item in answer.json])
        following = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == [["a", "b"], ["c", "d"], ["ä & b"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=many", "unknown=1", "limit=1&limit=2", "after=%00"])
def test_an_invalid_query_is_refused(client, query):
    refused(client.get(f"{URL}?{query}"), 422, "invalid_fields")


def test_a_change_keeps_the_members_that_are_not_sent(client, register):
    answer = register("First", description="here")
    changed = client.patch(answer.headers["Location"], json={"name": "Renamed"})
    assert changed.status_code == 200
    assert changed.json == {**answer.json, "name": "Renamed"}
    assert changed.headers["ETag"] != answer.headers["ETag"]
    assert client.get(answer.headers["Location"]).json == changed.json


def test_a_change_may_be_a_merge_patch(client, register):
    first = register("First", description="here").headers["Location"]
    changed = client.patch(first, data=b'{"description": null}', content_type="application/merge-patch+json")
    assert (changed.status_code, changed.json["name"], changed.json["description"]) == (200, "First", None)
    answer = client.patch(first, data=b"{}", content_type="text/plain")
    refused(answer, 415, "unsupported_media_type")
    assert "application/merge-patch+json" in answer.headers["Accept-Patch"]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_change_of_another_version_is_refused(client, first, method):
    etag = client.get(first).headers["ETag"]
    client.patch(first, json={"description": "moved"})
    answer = getattr(client, method)(first, json={"description": "lost"}, headers={"If-Match": etag})
    refused(answer, 412, "version_mismatch")
    now = client.get(first)
    assert (now.json["description"], now.headers["ETag"]) == ("moved", answer.headers["ETag"])
    assert getattr(client, method)(first, json={}, headers={"If-Match": now.headers["ETag"]}).status_code < 300


def test_a_removed_pallet_is_not_found(client, first):
    answer = client.delete(first)
    assert (answer.status_code, answer.data) == (204, b"")
    for method in ("get", "patch", "delete"):
        refused(getattr(client, method)(first, json={}), 404, "pallet_not_found")
    assert client.get(URL).json == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"name": "x" * 37}, "name"),
        ({"name": " x"}, "name"),
        ({"name": "x\ny"}, "name"),
        ({"name": "x\u200by"}, "name"),
        ({"name": "x", "description": "x" * 201}, "description"),
        ({"name": "x", "id": "3e7b4a52-2e3c-4c7e-9d1c-6b7d3a0f4b11"}, "id"),
        ({"name": "x", "unknown": 1}, "unknown"),
    ],
)
def test_invalid_fields_are_named(client, body, field):
    assert list(refused(client.post(URL, json=body), 422, "invalid_fields")["errors"]) == [field]


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b'{"name": "a", "name": "b"}', "application/json", 400, "malformed_body"),
        (b'{"name": NaN}', "application/json", 400, "malformed_body"),
        (b"[]", "application/json", 400, "malformed_body"),
        (b'{"name": "a"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"name": "%s"}' % (b"x" * 70_000), "application/json", 413, "body_too_large"),
    ],
)
def test_bodies_are_strict_json(client, body, media_type, status, code):
    refused(client.post(URL, data=body, content_type=media_type), status, code)
