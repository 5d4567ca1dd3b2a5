"""Which changes of a JSON schema can break a caller: in requests fewer accepted values, in responses more values."""

import pytest

from tests.support.contract_schemas import Comparison

CLOSED = {"type": "object", "additionalProperties": False}
NAME = {"type": "string", "maxLength": 36}
COMPONENTS = {"components": {"schemas": {"Name": NAME, "Code": {"type": "string"}}}}
REF = {"$ref": "#/components/schemas/Name"}


def changes(old, new, is_request):
    return list(Comparison(COMPONENTS, COMPONENTS, is_request).changes(old, new, "body"))


def members(required=(), closed=True, **properties):
    return {"properties": properties, "required": list(required), **(CLOSED if closed else {"type": "object"})}


# The wide schema accepts every value of the narrow one. Requests may change only from narrow to wide, responses only
# from wide to narrow. The last column is the incompatible change, as it is reported for a request that becomes narrow.
NARROW_WIDE = [
    ({"type": "string"}, {"type": ["string", "null"]}, 'body: type: ["string", "null"] became "string"'),
    ({"type": "integer"}, {"type": "number"}, 'body: type: "number" became "integer"'),
    ({"type": "string"}, {}, 'body: type: absent became "string"'),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, 'body: enum: ["a", "b"] became ["a"]'),
    ({"enum": ["a"]}, {"type": "string"}, 'body: enum: absent became ["a"]'),
    ({"const": "a"}, {"enum": ["a", "b"]}, 'body: enum: ["a", "b"] became absent'),
    ({"const": "ab"}, {"type": "string", "pattern": "^a"}, 'body: const: absent became "ab"'),
    ({"format": "uuid"}, {}, 'body: format: absent became "uuid"'),
    ({"pattern": "^a"}, {}, 'body: pattern: absent became "^a"'),
    ({"maxLength": 36}, {"maxLength": 40}, "body: maxLength: 40 became 36"),
    ({"minimum": 1}, {"minimum": 0}, "body: minimum: 0 became 1"),
    ({"maxItems": 10}, {}, "body: maxItems: absent became 10"),
    ({"multipleOf": 2}, {}, "body: multipleOf: absent became 2"),
    ({"items": {"minLength": 1}}, {"items": {}}, "body[]: minLength: absent became 1"),
    ({"items": {"minLength": 1}}, {}, "body[]: minLength: absent became 1"),
    (members(["a"], a={}), members(a={}), "body.a: became required"),
    (members(a=NAME), members(a={}), 'body.a: type: absent became "string"'),
    (members(["a"], a=NAME), members(["a"], a={**NAME, "maxLength": 99}), "body.a: maxLength: 99 became 36"),
    ({"additionalProperties": NAME}, {}, 'body.*: type: absent became "string"'),
    ({"allOf": [{"required": ["a"]}]}, {}, 'body: allOf: absent became [{"required": ["a"]}]'),
    (
        {"dependentRequired": {"a": ["b"]}, "properties": {"a": {}}},
        {"properties": {"a": {}}},
        'body: dependentRequired: absent became {"a": ["b"]}',
    ),
    ({"anyOf": [{"type": "string"}]}, {"type": ["string", "null"]}, 'body: type: ["string", "null"] became "string"'),
    (REF, {"type": "string"}, "body: maxLength: absent became 36"),
    (REF, {"anyOf": [REF, {"type": "null"}]}, 'body: type: "null" became "string"'),
    ({"oneOf": [REF, {"type": "null"}]}, {"type": ["string", "null"]}, "body: maxLength: absent became 36"),
    ({"type": ["string", "null"], "maxLength": 9}, {"anyOf": [REF, {"type": "null"}]}, "body: maxLength: 36 became 9"),
]


@pytest.mark.parametrize(("narrow", "wide", "change"), NARROW_WIDE)
def test_a_request_may_accept_more_and_a_response_may_contain_less(narrow, wide, change):
    assert changes(narrow, wide, is_request=True) == []
    assert changes(wide, narrow, is_request=False) == []
    assert change in changes(wide, narrow, is_request=True)
    assert changes(narrow, wide, is_request=False)


def test_a_removed_member_breaks_requests_and_responses():
    old, new = members(a=NAME, b={}), members(a=NAME)
    for is_request in (True, False):
        assert changes(old, new, is_request) == ["body.b: removed"]
    assert changes(old, members(a=NAME, closed=False), is_request=True) == []


def test_a_new_member_breaks_requests_only_if_it_is_required():
    old = members(a=NAME)
    assert changes(old, members(a=NAME, b={}), is_request=True) == []
    assert changes(old, members(["b"], a=NAME, b={}), is_request=True) == ["body.b: became required"]
    assert changes(old, members(["b"], a=NAME, b={}), is_request=False) == []
    rule = {"dependentSchemas": {"b": {"required": ["a"]}}}
    assert changes(old, {**members(a=NAME, b={}), **rule}, is_request=True) == []


def test_a_member_of_a_response_must_stay_required():
    assert changes(members(["a"], a=NAME), members(a=NAME), is_request=False) == ["body.a: may now be absent"]


def test_a_request_must_stay_open():
    assert changes(members(closed=False), members(), is_request=True) == ["body.*: refused"]
    assert changes(members(), members(closed=False), is_request=False) == []


def test_a_removed_pattern_of_members_breaks_requests():
    old = {**CLOSED, "patternProperties": {"^x-": {"type": "string"}}}
    assert changes(old, CLOSED, is_request=True) == ["body./^x-/: removed"]
    narrower = {**CLOSED, "patternProperties": {"^x-": {"type": "string", "maxLength": 1}}}
    assert changes(old, narrower, is_request=True) == ["body./^x-/: maxLength: absent became 1"]


def test_a_changed_default_breaks_requests():
    assert changes({"default": 100}, {"default": 50}, is_request=True) == ["body: default: 100 became 50"]
    assert changes({"default": 100}, {"default": 50}, is_request=False) == []
