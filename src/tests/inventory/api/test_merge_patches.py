"""PATCH with ``application/merge-patch+json`` (RFC 7396): ``attributes`` and ``dump`` are merged; null removes keys."""

import json
import threading

import pytest

from tests.support.hours_in_2099 import hour_start

MERGE_PATCH = "application/merge-patch+json"

# Target, patch and result of those examples in RFC 7396, appendix A, in which all three are objects.
EXAMPLES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.fixture
def merge(client):
    """Return a function that sends a merge patch."""

    def merge(url, content_type=MERGE_PATCH, headers=(), **fields):
        return client.patch(url, data=json.dumps(fields), content_type=content_type, headers=dict(headers))

    return merge


@pytest.fixture
def item(car, allocate):
    """The URL of an allocation with a dump."""
    return allocate(car, hour_start(10), hour_start(12), dump={"a": 1}, description="Old").headers["Location"]


@pytest.mark.one_engine
@pytest.mark.parametrize(("target", "patch", "result"), EXAMPLES)
def test_a_dump_is_merged_like_the_examples_of_the_rfc(client, merge, car, allocate, target, patch, result):
    item = allocate(car, hour_start(10), hour_start(12), dump=target).headers["Location"]
    response = merge(item, dump=patch)
    assert (response.status_code, response.json["dump"]) == (200, result)
    assert client.get(item).json == response.json


@pytest.mark.one_engine
def test_attributes_are_merged_and_null_removes_a_key(client, merge, register):
    car = register("Car1", attributes={"city": "Leeds", "seats": 4})
    response = merge(car, attributes={"city": None, "electric": True}, name="Car2")
    assert response.status_code == 200, response.text
    assert (response.json["name"], response.json["attributes"]) == ("Car2", {"seats": 4, "electric": True})
    assert client.get(car).json == response.json


@pytest.mark.through_gateway
@pytest.mark.one_engine
@pytest.mark.parametrize("content_type", [f"{MERGE_PATCH}; charset=utf-8", "Application/Merge-Patch+JSON"])
def test_the_content_type_may_have_a_charset_and_any_case(merge, item, content_type):
    assert merge(item, content_type, dump={"b": 2}).json["dump"] == {"a": 1, "b": 2}


@pytest.mark.one_engine
def test_null_removes_all_keys_of_a_member(merge, item, register):
    assert merge(item, dump=None, description=None).json.items() >= {"dump": {}, "description": None}.items()
    assert merge(register("Car2", attributes={"a": 1}), attributes=None).json["attributes"] == {}


@pytest.mark.through_gateway
def test_other_members_change_as_with_application_json(merge, item):
    response = merge(item, to_datetime=hour_start(13), description="New")
    assert response.json.items() >= {"to_datetime": hour_start(13), "description": "New", "dump": {"a": 1}}.items()


def test_a_patch_without_changes_keeps_the_etag(client, merge, item):
    etag = client.get(item).headers["ETag"]
    for patch in ({}, {"dump": {}}, {"dump": {"a": 1}}, {"dump": {"none": None}}):
        assert merge(item, **patch).headers["ETag"] == etag
    assert merge(item, headers={"If-Match": etag}, dump={"b": 1}).headers["ETag"] != etag


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"attributes": {"a": {"b": 1}}}, "attributes"),
        ({"attributes": {f"k{number}": 1 for number in range(32)}}, "attributes"),
        ({"attributes": 5}, "attributes"),
        ({"attributes": []}, "attributes"),
        ({"name": None}, "name"),
        ({"dump": {}}, "dump"),
    ],
)
def test_an_invalid_result_for_a_vehicle_is_refused(merge, register, refused, nothing_changes, fields, name):
    car = register("Car1", attributes={"old": 1})
    with nothing_changes():
        refused(merge(car, **fields), 422, "invalid_fields", name)


@pytest.mark.one_engine
def test_an_invalid_result_for_an_allocation_is_refused(merge, item, refused, nothing_changes):
    assert merge(item, dump={"b": "x" * 10_000}).status_code == 200
    with nothing_changes():
        refused(merge(item, dump={"c": "x" * 10_000}), 422, "invalid_fields", "dump")
        refused(merge(item, dump=5), 422, "invalid_fields", "dump")
        refused(merge(item, attributes={}), 422, "invalid_fields", "attributes")
        refused(merge(item, allocation_type=None), 422, "invalid_fields", "allocation_type")


def test_concurrent_patches_of_different_keys_all_take_effect(app, item):
    def patch(number):
        body = json.dumps({"dump": {f"k{number}": number}})
        responses.append(app.test_client().patch(item, data=body, content_type=MERGE_PATCH).status_code)

    responses = []
    threads = [threading.Thread(target=patch, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert responses == [200] * 8
    assert app.test_client().get(item).json["dump"] == {"a": 1, **{f"k{number}": number for number in range(8)}}
