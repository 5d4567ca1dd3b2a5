"""The parameters of requests: in the path, in the query and in headers."""

import re
from collections.abc import Iterator
from typing import Any

from invsys.inventory.api.operation import Operation
from invsys.inventory.schemas.queries import ATTRIBUTE
from invsys.inventory.schemas.validators import MAX_KEY, MAX_VALUE

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id of the request; without a valid one, the service generates an id",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "A unique key. If a request with this key has succeeded, its result is returned again",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "X-Client-Id": {
        # No pattern, because the header is ignored unless a trusted proxy sends it.
        "description": "The client, 1 to 255 visible ASCII characters; ignored unless a trusted proxy sends it",
        "schema": {"type": "string"},
    },
    "X-Client-Sees": {
        "description": "`own`: the client sees only its own allocations; ignored unless a trusted proxy sends it",
        "schema": {"type": "string"},
    },
    "If-Match": {
        "description": "Change the item only if it still has this ETag; otherwise 412",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "`no-cache`: the answer must not come from a standby of the database",
        "schema": {"type": "string"},
    },
    "If-None-Match": {"description": "304 if the item still has this ETag", "schema": {"type": "string"}},
}
# The component with the names of the collections.
COLLECTION = "Collection"
# Each member is a separate parameter.
_ATTRIBUTE_FILTERS = {
    "in": "query",
    "name": "attributes",
    "description": "Only vehicles that have all these attributes; numbers are compared by value. For example"
    ' `{"attribute.city": "Leeds"}`',
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "patternProperties": {f"^{re.escape(ATTRIBUTE)}.{{1,{MAX_KEY}}}$": {"type": "string", "maxLength": MAX_VALUE}},
        "additionalProperties": False,
    },
}
# All other path parameters are ids, or the collection.
_PATH_PARAMETERS = {
    "code": {"pattern": "^[a-z][a-z0-9_]*$"},
    "filename": {"pattern": "^[A-Za-z0-9_-]+[.][a-z]+$"},
}


def of_path(name: str) -> dict[str, Any]:
    """Return the parameter object of a path parameter, by its name in Flask's route."""
    schema: dict[str, Any]
    if name == "collection":
        schema = {"$ref": f"#/components/schemas/{COLLECTION}"}
    else:
        schema = {"type": "string", **_PATH_PARAMETERS.get(name, {"format": "uuid"})}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def of_operation(operation: Operation) -> Iterator[dict[str, Any]]:
    """Yield the parameter objects of an operation: those of its headers and of its query."""
    reads_client = operation.body is not None or operation.conditional == "If-Match" or operation.owner_filter
    names = ["X-Request-Id", operation.conditional, "Idempotency-Key" if operation.keyed else None]
    names += ["X-Client-Id", "X-Client-Sees"] if reads_client else []
    names += [] if operation.standby_with is None else ["Cache-Control"]
    for name in filter(None, names):
        yield {"in": "header", "name": name, **_HEADERS[name]}
    if operation.query is not None:
        attributes = {"attributes"} & operation.query().fields.keys()
        yield {"in": "query", "schema": operation.query(exclude=attributes)}
        if attributes:
            yield _ATTRIBUTE_FILTERS
