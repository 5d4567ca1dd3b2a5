"""The OpenAPI document: it is valid and complete, and the service behaves as it says."""

import re

import hypothesis
import jsonschema
import pytest
import schemathesis
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from invsys.inventory.errors import ConflictError, NameTaken
from invsys.inventory.openapi import REQUEST_SCHEMAS, RESPONSE_SCHEMAS, problems
from invsys.inventory.openapi.examples import EXAMPLES
from tests.support.closed_responses import close_responses
from tests.support.effort import THOROUGH, hypothesis_settings
from tests.support.hours_in_2099 import hour_start, let_holds_expire
from tests.support.response_checks import OF_RESPONSES


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json


@pytest.mark.one_engine
def test_the_document_is_valid(document):
    assert document["openapi"].startswith("3.1.")
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())


@pytest.mark.one_engine
def test_the_document_contains_exactly_the_served_routes(app, document):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).replace("{resource_type}", "{collection}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {
        (path, method) for path, item in document["paths"].items() for method in item if method != "parameters"
    }
    assert documented == served


def is_valid(document, schema, value):
    schema = {**schema, "components": document["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def operations(document):
    for item in document["paths"].values():
        for method, operation in item.items():
            if method != "parameters":
                yield operation


@pytest.mark.one_engine
def test_every_operation_documents_its_responses(document):
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert any(status.startswith("2") for status in operation["responses"])
        assert operation["responses"].pop("default") == {"$ref": "#/components/responses/Problem"}
        for status, response in operation["responses"].items():
            assert response["description"]
            assert "X-Request-Id" in response["headers"]
            assert status in ("204", "304") or response["content"]
            assert int(status) < 400 or "application/problem+json" in response["content"]


@pytest.mark.one_engine
def test_every_example_is_valid_against_its_schema(document):
    document = close_responses(document)
    for operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in bodies + list(operation["responses"].values()):
            for media_type in body.get("content", {}).values():
                if "example" in media_type:
                    assert is_valid(document, media_type["schema"], media_type["example"])


@pytest.mark.one_engine
def test_only_the_closed_copy_refuses_what_later_versions_add(document):
    closed = close_responses(document)
    examples = {schema.__name__: EXAMPLES[schema] for schema in RESPONSE_SCHEMAS}
    examples["NameTakenProblem"] = problems.example(NameTaken)
    later = [(name, {**example, "future_member": 1}) for name, example in examples.items()]
    later.append(("Event", {**examples["Event"], "kind": "future_kind"}))
    for name, value in later:
        schema = {"$ref": f"#/components/schemas/{name}"}
        assert is_valid(document, schema, value)
        assert not is_valid(closed, schema, value)


@pytest.mark.one_engine
def test_responses_accept_problems_with_unknown_codes_except_in_the_closed_copy(document):
    problem = {**problems.example(NameTaken), "code": "future_code", "type": "/docs/problems/future_code"}
    for published, accepts in ((document, True), (close_responses(document), False)):
        content = published["paths"]["/api/{collection}"]["post"]["responses"]["409"]["content"]
        assert is_valid(published, content["application/problem+json"]["schema"], problem) is accepts


@pytest.mark.one_engine
def test_request_bodies_accept_no_unknown_members(document):
    for schema in REQUEST_SCHEMAS:
        assert document["components"]["schemas"][schema.__name__]["additionalProperties"] is False


@pytest.mark.one_engine
def test_the_collections_in_the_document_are_those_of_the_settings(document):
    parameters = document["paths"]["/api/{collection}"]["parameters"]
    assert parameters[0]["schema"] == {"$ref": "#/components/schemas/Collection"}
    assert document["components"]["schemas"]["Collection"]["enum"] == ["cars", "lorries", "trucks"]


def test_every_published_schema_has_an_example():
    assert set(EXAMPLES) == {*REQUEST_SCHEMAS, *RESPONSE_SCHEMAS}


@pytest.mark.one_engine
def test_the_schemas_of_conflict_errors_require_conflicts(document):
    for kind in ConflictError.__subclasses__():
        assert "conflicts" in document["components"]["schemas"][f"{kind.__name__}Problem"]["required"]


def test_the_data_of_each_kind_of_event_has_the_documented_schema(app, client, document, register, allocate):
    car = register("Car1", attributes={"seats": 4})
    client.patch(car, json={"name": "Car2"})
    hold = allocate(car, hour_start(1), hour_start(2), hold_seconds=60, reference="PO 1").headers["Location"]
    client.patch(hold, json={"status": "confirmed"})
    client.patch(hold, json={"to_infinity": True})
    client.delete(hold)
    allocate(car, hour_start(1), hour_start(2), hold_seconds=60)
    let_holds_expire(app)
    assert client.delete(car).status_code == 204
    events = client.get("/api/events").json["events"]
    document = close_responses(document)
    kinds = document["components"]["schemas"]["Event"]["properties"]["kind"]["enum"]
    assert {event["kind"] for event in events} == set(kinds)
    description = document["components"]["schemas"]["Event"]["properties"]["data"]["description"]
    of_vehicles, of_allocations = description.split("; ")
    for event in events:
        text, schema = (of_vehicles, "Resource") if event["allocation_id"] is None else (of_allocations, "Allocation")
        assert f"`{event['kind']}`" in text
        assert schema in text
        for name, instance in (("Event", event), (schema, event["data"])):
            assert is_valid(document, {"$ref": f"#/components/schemas/{name}"}, instance)


@pytest.fixture
def item_ids(client):
    """The ids of a vehicle and its allocation; with generated ids, every response would be a 404."""
    vehicle = client.post("/api/cars", json={"name": "Car1"})
    always = {"from_infinity": True, "to_infinity": True}
    allocation = client.post(f"{vehicle.headers['Location']}/allocations", json=always)
    return {"collection": "cars", "resource_id": vehicle.json["id"], "allocation_id": allocation.json["id"]}


def test_generated_requests_get_the_documented_responses(app, document, item_ids):
    # The closed copy, so that the checks find undocumented members, statuses and codes.
    schema = schemathesis.openapi.from_dict(close_responses(document))
    schema.app = app
    statuses = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        invalid = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

        @hypothesis.given(case=operation.as_strategy() | invalid, uses_item_ids=st.booleans())
        @hypothesis_settings(6, 30)
        def conforms_to_document(case, uses_item_ids):
            # Schemathesis sends an object as attribute.KEY[name]=value, which is a valid filter for another key.
            hypothesis.assume(not any(isinstance(value, dict) for value in (case.query or {}).values()))
            if uses_item_ids and case.path_parameters:
                case.path_parameters.update({name: item_ids[name] for name in case.path_parameters if name in item_ids})
            statuses.add(case.call_and_validate(checks=OF_RESPONSES).status_code)

        conforms_to_document()
    # Make sure that the requests were not all refused by the validation.
    assert {200, 201, 404, 422} <= statuses
    assert not THOROUGH or {204, 409} <= statuses
