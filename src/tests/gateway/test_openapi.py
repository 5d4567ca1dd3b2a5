"""The OpenAPI document of the inventory, extended with the gateway's security schemes, scopes and problems."""

import json
import re

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from invsys.gateway import errors
from invsys.gateway.auth.permissions import TABLES
from tests.support.closed_responses import close_responses

# Routes of the gateway itself.
OWN_PATHS = ("/healthz", "/readyz", "/metrics", "/whoami", "/docs/static/{filename}")


@pytest.fixture
def document(new_client):
    response = new_client("any").get("/api/openapi.json", headers={"Authorization": ""})
    assert response.status_code == 200, response.text
    return response.json


def test_the_document_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_in_the_table_has_its_security_schemes(document):
    security_of = {
        (method.upper(), path): operation.get("security")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters" and path not in OWN_PATHS
    }
    public = {(method, path) for (method, path), security in security_of.items() if security == []}
    assert all(path.startswith(("/docs", "/static")) or path in ("/", "/api/openapi.json") for _, path in public)
    private = {operation: security for operation, security in security_of.items() if operation not in public}
    with_basic = {operation for operation in private if re.search(r"^/table$|\.ics$|/gbfs/", operation[1])}
    assert len(with_basic) == 3
    key, basic = {"apiKey": []}, {"basic": []}
    assert private == {operation: [key, basic] if operation in with_basic else [key] for operation in private}
    methods = [method for row in TABLES["inventory"] if row.scope for method in row.methods.split()]
    assert len(private) == len(methods)


def test_an_operation_names_its_scope_and_the_problems_of_the_gateway(document):
    operation = document["paths"]["/api/{collection}/{resource_id}/allocations"]["post"]
    assert "`allocations:write` or `allocations:own`" in operation["description"]
    assert "`events:read` or `events:own`" in document["paths"]["/api/events"]["get"]["description"]
    kinds = (errors.Unauthenticated, errors.Forbidden, errors.UpstreamUnreachable, errors.UpstreamTimeout)
    for kind in kinds:
        assert operation["responses"][str(kind.status)] == {"$ref": f"#/components/responses/{kind.code}"}
        assert document["components"]["responses"][kind.code]["description"] == kind.title
    listing = document["paths"]["/api/{collection}/{resource_id}/allocations"]["get"]["responses"]
    assert listing["429"] == {"$ref": f"#/components/responses/{errors.RateLimited.code}"}
    rate_limited = document["components"]["responses"][errors.RateLimited.code]
    assert rate_limited["headers"].keys() == {"Retry-After", "RateLimit", "RateLimit-Policy"}


def test_whoami_responds_as_documented(document, new_client):
    client = new_client("booking", "resources:read", "allocations:own@cars")
    operation = close_responses(document)["paths"]["/whoami"]["get"]
    assert operation["security"] == [{"apiKey": []}]
    response = client.get("/whoami")
    documented = operation["responses"]["200"]
    jsonschema.validate(response.json, documented["content"]["application/json"]["schema"])
    assert documented["headers"].keys() <= set(response.headers.keys())
    assert {"401", "422", "429"} <= operation["responses"].keys()


def test_problems_of_the_gateway_may_get_members_and_codes_that_are_not_documented_yet(document, new_client):
    problem = new_client("another").get("/whoami", headers={"Authorization": "Bearer unknown"}).json
    later = [{**problem, "future_member": 1}, {**problem, "code": "future_code", "type": "/docs/problems/future_code"}]
    for published, accepts in ((document, [True, True, True]), (close_responses(document), [True, False, False])):
        response = published["components"]["responses"][problem["code"]]
        schema = {**response["content"]["application/problem+json"]["schema"], "components": published["components"]}
        assert [jsonschema.Draft202012Validator(schema).is_valid(value) for value in (problem, *later)] == accepts
    defaults = [item["get"]["responses"]["default"] for item in document["paths"].values() if "get" in item]
    assert all(default == {"$ref": "#/components/responses/Problem"} for default in defaults)


def test_headers_that_the_gateway_sets_are_removed(document):
    assert not [name for name in ("X-Client-Id", "X-Client-Sees") if f'"name": "{name}"' in json.dumps(document)]


@pytest.mark.parametrize("vehicle", ["any", "{resource_id}"])
def test_a_status_of_service_and_gateway_describes_both_problems(document, vehicle):
    response = document["paths"][f"/api/{{collection}}/{vehicle}/allocations"]["post"]["responses"]["429"]
    assert response["description"] == "Too many holds; or: Too many requests"
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= response["headers"].keys()
    for media_type in ("application/problem+json", "application/problem+xml"):
        service, any_problem, gateway = response["content"][media_type]["schema"]["anyOf"]
        assert any_problem == {"$ref": "#/components/schemas/Problem"}
        assert service == {"$ref": "#/components/schemas/TooManyHoldsProblem"}
        assert gateway["properties"]["code"]["const"] == "rate_limited"
