"""The failures in the OpenAPI document: a schema and an example for each problem class."""

from typing import Any

from invsys.chassis.http.problems import InvalidFields, Problem, json_schema
from invsys.inventory.errors import MAX_CONFLICTS, ConflictError
from invsys.inventory.openapi.examples import EXAMPLES, PROBLEM_EXAMPLE
from invsys.inventory.schemas import outputs

# The name of the components that describe problems with any code.
ANY = "Problem"


def component(kind: type[Problem]) -> str:
    """Return the name of the schema of a problem class."""
    return f"{kind.__name__}Problem"


def schema(kind: type[Problem]) -> dict[str, Any]:
    """Return the JSON schema of the response body of a problem class."""
    members: dict[str, Any] = {}
    if issubclass(kind, ConflictError):
        items = {"$ref": "#/components/schemas/Conflict"}
        # Can be empty: a client that sees only its own allocations gets only its own.
        members["conflicts"] = {"type": "array", "items": items, "maxItems": MAX_CONFLICTS}
    if issubclass(kind, InvalidFields):
        messages = {"type": "array", "items": {"type": "string"}}
        members["errors"] = {"type": "object", "additionalProperties": messages}
    return json_schema(kind, **members)


def example(kind: type[Problem]) -> dict[str, Any]:
    """Return an example of the response body of a problem class."""
    document = {
        "type": f"/docs/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        **PROBLEM_EXAMPLE,
    }
    if issubclass(kind, ConflictError):
        document["conflicts"] = [EXAMPLES[outputs.Conflict]]
    if issubclass(kind, InvalidFields):
        document["errors"] = {"limit": ["Not a valid integer."]}
    return document
