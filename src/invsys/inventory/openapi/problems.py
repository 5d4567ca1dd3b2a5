"""How requests can fail: a schema and an example for each class of problems."""

from typing import Any

from invsys.chassis.http.problems import InvalidFields, Problem, json_schema
from invsys.inventory import schemas
from invsys.inventory.errors import MAX_CONFLICTS, ConflictError
from invsys.inventory.openapi.examples import EXAMPLES, PROBLEM_EXAMPLE


def component(kind: type[Problem]) -> str:
    """Name the schema of a class of problems."""
    return f"{kind.__name__}Problem"


def schema(kind: type[Problem]) -> dict[str, Any]:
    """Describe the answer of a class of problems."""
    more: dict[str, Any] = {}
    if issubclass(kind, ConflictError):
        items = {"$ref": "#/components/schemas/Conflict"}
        # Empty for a client that may not know of them.
        more["conflicts"] = {"type": "array", "items": items, "maxItems": MAX_CONFLICTS}
    if issubclass(kind, InvalidFields):
        messages = {"type": "array", "items": {"type": "string"}}
        more["errors"] = {"type": "object", "additionalProperties": messages}
    return json_schema(kind, **more)


def example(kind: type[Problem]) -> dict[str, Any]:
    """Show one."""
    made = {
        "type": f"/docs/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        **PROBLEM_EXAMPLE,
    }
    if issubclass(kind, ConflictError):
        made["conflicts"] = [EXAMPLES[schemas.Conflict]]
    if issubclass(kind, InvalidFields):
        made["errors"] = {"limit": ["Not a valid integer."]}
    return made
