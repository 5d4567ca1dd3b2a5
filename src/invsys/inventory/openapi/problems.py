"""The failures in the OpenAPI document: a schema and an example for each problem class."""

from typing import Any

from invsys.chassis.http.problems import InvalidFields, Problem, json_schema
from invsys.inventory.errors import (
    MAX_CONFLICTS,
    AllocationNotFound,
    Archived,
    ConflictError,
    HoldExpired,
    NoneAvailable,
    PeriodTaken,
    ResourceClosed,
    VersionMismatch,
)
from invsys.inventory.openapi.examples import EXAMPLES, PROBLEM_EXAMPLE
from invsys.inventory.schemas import outputs

# The name of the components that describe problems with any code.
ANY = "Problem"
# The problems that an entry of a change list can have.
_OF_ENTRIES = frozenset(
    {AllocationNotFound, Archived, HoldExpired, NoneAvailable, PeriodTaken, ResourceClosed, VersionMismatch}
)
_INDEX = "Only in the response to a change list: the position of the entry, from 0"
_VERSION = "Only in the response to a change list: the current version"


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
    document = json_schema(kind, **members)
    if kind in _OF_ENTRIES:
        document["properties"]["index"] = {"type": "integer", "description": _INDEX}
    if kind is VersionMismatch:
        document["properties"]["version"] = {"type": "integer", "description": _VERSION}
    return document


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
