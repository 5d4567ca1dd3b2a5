"""Which changes of an OpenAPI document can break a caller, and which cannot."""

import copy

import pytest

from tests.support.contract_changes import breaking_changes
from tests.support.contract_document import reduce_to_contract

TEXT = {"type": "string"}
KEY, BASIC = {"apiKey": []}, {"basic": []}
PATH = "/cars/{id}"


def problem(code):
    properties = {"code": TEXT if code is None else {"const": code}, "detail": TEXT}
    return {"type": "object", "properties": properties, "required": ["code", "detail"]}


def body(schema, *media_types):
    return {"content": {media_type: {"schema": schema} for media_type in media_types or ["application/json"]}}


DOCUMENT = {
    "paths": {
        PATH: {
            "parameters": [{"in": "path", "name": "id", "required": True, "schema": TEXT}],
            "patch": {
                "operationId": "patch_car",
                "security": [KEY, BASIC],
                "parameters": [{"in": "header", "name": "If-Match", "schema": TEXT}],
                "requestBody": body(TEXT, "application/json", "application/merge-patch+json"),
                "responses": {
                    "200": {"headers": {"ETag": {"schema": TEXT}}, **body(TEXT, "application/json", "application/xml")},
                    "409": body(problem("name_taken"), "application/problem+json", "application/problem+xml"),
                    "422": {"$ref": "#/components/responses/invalid"},
                },
            },
        },
        "/cars": {"get": {"operationId": "get_cars", "responses": {"200": {"description": "All cars"}}}},
    },
    "components": {"responses": {"invalid": body(problem("invalid_fields"), "application/problem+json")}},
}


def patch_of(document):
    return document["paths"][PATH]["patch"]


def content_of(document, status, media_type):
    return patch_of(document)["responses"][status]["content"][media_type]


BREAKING = [
    (lambda new: new["paths"].pop("/cars"), "/cars: removed"),
    (lambda new: new["paths"]["/cars"].pop("get"), "GET /cars: removed"),
    (lambda new: patch_of(new).update(operationId="x"), ": operationId: patch_car became x"),
    (lambda new: patch_of(new).update(security=[KEY]), ": security: basic removed"),
    (lambda new: new["paths"]["/cars"]["get"].update(security=[KEY]), "GET /cars: security: needs authentication"),
    (lambda new: patch_of(new).update(parameters=[]), ": header if-match: removed"),
    (lambda new: patch_of(new)["parameters"][0].update(required=True), ": header if-match: became required"),
    (lambda new: patch_of(new)["parameters"][0].update(explode=True), ": header if-match: explode: None became True"),
    (
        lambda new: patch_of(new)["parameters"][0].update(schema={"const": "*"}),
        ': header if-match: const: absent became "*"',
    ),
    (
        lambda new: patch_of(new)["parameters"].append({"in": "query", "name": "why", "required": True}),
        ": query why: added and required",
    ),
    (
        lambda new: new["paths"][PATH]["parameters"][0].update(schema={"type": "string", "format": "uuid"}),
        ': path id: format: absent became "uuid"',
    ),
    (lambda new: patch_of(new)["requestBody"].update(required=True), ": body: became required"),
    (
        lambda new: patch_of(new)["requestBody"]["content"].pop("application/merge-patch+json"),
        ": body: application/merge-patch+json: removed",
    ),
    (
        lambda new: patch_of(new)["requestBody"]["content"]["application/json"].update(schema={"const": "a"}),
        ': body: application/json: const: absent became "a"',
    ),
    (lambda new: patch_of(new)["responses"].pop("409"), ": 409: removed"),
    (lambda new: patch_of(new)["responses"].update({"202": {}}), ": 202: a success that callers do not expect"),
    (lambda new: patch_of(new)["responses"]["200"]["headers"].clear(), ": 200: header ETag: removed"),
    (
        lambda new: patch_of(new)["responses"]["200"]["headers"].update(ETag={"schema": {"type": "integer"}}),
        ': 200: header ETag: type: "string" became "integer"',
    ),
    (
        lambda new: patch_of(new)["responses"]["200"]["content"].pop("application/xml"),
        ": 200: application/xml: removed",
    ),
    (
        lambda new: content_of(new, "200", "application/json").update(schema={"type": ["string", "null"]}),
        ': 200: application/json: type: "string" became ["string", "null"]',
    ),
    (
        lambda new: content_of(new, "409", "application/problem+json").update(schema=problem("renamed")),
        ": 409: application/problem+json: name_taken: removed",
    ),
    (
        lambda new: new["components"]["responses"].update(invalid=body({}, "application/problem+json")),
        ": 422: application/problem+json: invalid_fields: removed",
    ),
]


@pytest.mark.parametrize(("change", "line"), BREAKING)
def test_a_breaking_change_is_reported_once(change, line):
    new = copy.deepcopy(DOCUMENT)
    change(new)
    expected = f"PATCH {PATH}{line}" if line.startswith(":") else line
    assert breaking_changes(DOCUMENT, new) == [expected]


ADDITIONS = [
    lambda new: new["paths"].update({"/lorries": {}}),
    lambda new: new["paths"][PATH].update(delete={"responses": {}}),
    lambda new: patch_of(new)["parameters"].append({"in": "query", "name": "why", "schema": TEXT}),
    lambda new: patch_of(new).update(security=[BASIC, KEY, {"other": []}]),
    lambda new: patch_of(new).update(security=[]),
    lambda new: patch_of(new)["parameters"][0].update(name="if-match"),
    lambda new: new["paths"]["/cars"]["get"].update(requestBody=body(TEXT)),
    lambda new: patch_of(new)["responses"].update({"410": body(problem("gone"), "application/problem+json")}),
    lambda new: patch_of(new)["responses"].update(default=body(problem(None), "application/problem+json")),
    lambda new: patch_of(new)["responses"]["200"]["headers"].update(Link={"schema": TEXT}),
    lambda new: patch_of(new)["responses"]["200"]["content"].update({"text/csv": {}}),
    lambda new: content_of(new, "409", "application/problem+json").update(
        schema={"anyOf": [problem("closed"), problem("name_taken"), problem(None)]}
    ),
]


@pytest.mark.parametrize("change", ADDITIONS)
def test_an_addition_is_not_reported(change):
    new = copy.deepcopy(DOCUMENT)
    change(new)
    assert new != DOCUMENT
    assert breaking_changes(DOCUMENT, new) == []


def test_a_contract_has_no_texts_but_all_names():
    operation = {"summary": "Show", "responses": {"200": {"description": "A car", "content": {}}}}
    schema = {"title": "Car", "properties": {"title": TEXT, "properties": {"description": "An object", **TEXT}}}
    assert reduce_to_contract(
        {
            "info": {"title": "API", "version": "1"},
            "paths": {"/": {"get": operation}},
            "components": {"schemas": {"Car": schema}},
        }
    ) == {
        "info": {"version": "1"},
        "paths": {"/": {"get": {"responses": {"200": {"content": {}}}}}},
        "components": {"schemas": {"Car": {"properties": {"title": TEXT, "properties": TEXT}}}},
    }
