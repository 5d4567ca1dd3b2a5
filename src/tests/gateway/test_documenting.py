"""The OpenAPI document as callers of the gateway see it: the inventory's, with keys, scopes and the gateway's ends."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from invsys.gateway import errors
from invsys.gateway.permissions import TABLES


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
        # The gateway answers these by itself.
        if method != "parameters" and path not in ("/healthz", "/readyz", "/metrics")
    }
    public = {(method, path) for (method, path), security in said.items() if security == []}
    assert all(path.startswith(("/docs", "/static")) or path == "/api/openapi.json" for _, path in public)
    assert all(security == [{"apiKey": []}] for operation, security in said.items() if operation not in public)
    assert len(said) - len(public) > len([line for line in TABLES["inventory"] if line.scope]) - 3


def test_an_operation_names_its_scope_and_the_gateways_ends(document):
    operation = document["paths"]["/api/{collection}/{resource_id}/allocations"]["post"]
    assert "`allocations:write` or `allocations:own`" in operation["description"]
    kinds = (errors.Unauthenticated, errors.Forbidden, errors.RateLimited, errors.UpstreamUnreachable)
    for kind in (*kinds, errors.UpstreamTimeout):
        assert operation["responses"][str(kind.status)] == {"$ref": f"#/components/responses/{kind.code}"}
        assert document["components"]["responses"][kind.code]["description"] == kind.title
