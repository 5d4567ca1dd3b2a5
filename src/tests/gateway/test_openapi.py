"""The OpenAPI document as callers of the gateway see it: the inventory's, with keys, scopes and the gateway's ends."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from invsys.gateway import errors
from invsys.gateway.auth.permissions import TABLES

# The gateway answers these by itself.
OWN = ("/healthz", "/readyz", "/metrics", "/docs/static/{filename}")


@pytest.fixture
def document(calling):
    answer = calling("anybody").get("/api/openapi.json", headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_it_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_of_the_table_says_what_it_takes(document):
    said = {
        (method.upper(), path): operation.get("security")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method != "parameters" and path not in OWN
    }
    public = {(method, path) for (method, path), security in said.items() if security == []}
    assert all(path.startswith(("/docs", "/static")) or path == "/api/openapi.json" for _, path in public)
    kept = {operation: security for operation, security in said.items() if operation not in public}
    with_basic = {operation for operation in kept if re.search(r"^/$|\.ics$|/gbfs/", operation[1])}
    assert len(with_basic) == 3
    key, basic = {"apiKey": []}, {"basic": []}
    assert kept == {operation: [key, basic] if operation in with_basic else [key] for operation in kept}
    taking = [method for line in TABLES["inventory"] if line.scope for method in line.methods.split()]
    assert len(said) - len(public) == len(taking)


def test_an_operation_names_its_scope_and_the_gateways_ends(document):
    operation = document["paths"]["/api/{collection}/{resource_id}/allocations"]["post"]
    assert "`allocations:write` or `allocations:own`" in operation["description"]
    alone = (errors.Unauthenticated, errors.Forbidden, errors.UpstreamUnreachable, errors.UpstreamTimeout)
    for kind in alone:
        assert operation["responses"][str(kind.status)] == {"$ref": f"#/components/responses/{kind.code}"}
        assert document["components"]["responses"][kind.code]["description"] == kind.title
    listing = document["paths"]["/api/{collection}/{resource_id}/allocations"]["get"]["responses"]
    assert listing["429"] == {"$ref": f"#/components/responses/{errors.RateLimited.code}"}


def test_nobody_is_told_of_headers_that_the_gateway_throws_away(document):
    assert not [name for name in ("X-Client-Id", "X-Client-Sees") if f'"name": "{name}"' in json.dumps(document)]


@pytest.mark.parametrize("where", ["any", "{resource_id}"])
def test_a_status_of_both_describes_the_failures_of_both(document, where):
    answer = document["paths"][f"/api/{{collection}}/{where}/allocations"]["post"]["responses"]["429"]
    assert answer["description"] == "Too many holds; or: Too many requests"
    assert "Retry-After" in answer["headers"]
    for media_type in ("application/problem+json", "application/problem+xml"):
        service, gateway = answer["content"][media_type]["schema"]["oneOf"]
        assert service == {"$ref": "#/components/schemas/TooManyHoldsProblem"}
        assert gateway["properties"]["code"]["const"] == "rate_limited"
