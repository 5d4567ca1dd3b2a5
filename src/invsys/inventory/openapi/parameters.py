"""What requests carry beside their bodies: parts of paths, queries, headers."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from invsys.inventory.api.operations import Operation
from invsys.inventory.schemas.queries import ATTRIBUTE
from invsys.inventory.schemas.validators import MAX_KEY, MAX_VALUE

_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "Taken over when usable, else made", "schema": {"type": "string"}},
    "Idempotency-Key": {
        "description": "Under it the first result that changed something is kept, and answered to a repeated request",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "X-Client-Id": {
        # No pattern: what comes from elsewhere than a trusted proxy is not even looked at.
        "description": "Who asks, 1 to 255 visible ASCII characters; believed from trusted proxies only",
        "schema": {"type": "string"},
    },
    "X-Client-Sees": {
        "description": "`own`: of allocations, only those that X-Client-Id made; believed from trusted proxies only",
        "schema": {"type": "string"},
    },
    "If-Match": {"description": "Only if the item is still at this ETag", "schema": {"type": "string"}},
    "If-None-Match": {"description": "304 if the item is still at this ETag", "schema": {"type": "string"}},
}
# Each member is a parameter of its own.
_ATTRIBUTE_FILTERS = {
    "in": "query",
    "name": "attributes",
    "description": "Only vehicles whose attributes read so, all of them, numbers by their value; for example"
    ' `{"attribute.city": "Leeds"}`',
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "patternProperties": {f"^{re.escape(ATTRIBUTE)}.{{1,{MAX_KEY}}}$": {"type": "string", "maxLength": MAX_VALUE}},
        "additionalProperties": False,
    },
}
# Every other parameter of a path names a collection, or is an id.
_PATH_PARAMETERS = {
    "code": {"pattern": "^[a-z][a-z0-9_]*$"},
    "filename": {"pattern": "^[A-Za-z0-9_-]+[.][a-z]+$"},
}


def of_path(name: str, collections: Iterable[str]) -> dict[str, Any]:
    """Describe a part of a path by its name in Flask's route."""
    schema: dict[str, Any]
    if name == "resource_type":
        name, schema = "collection", {"type": "string", "enum": sorted(collections)}
    else:
        schema = {"type": "string", **_PATH_PARAMETERS.get(name, {"format": "uuid"})}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def of_operation(of: Operation) -> Iterator[dict[str, Any]]:
    """Describe the headers and the query of an operation."""
    asks_who = of.body is not None or of.conditional == "If-Match" or of.shows_own
    names = ["X-Request-Id", of.conditional, "Idempotency-Key" if of.keyed else None]
    names += ["X-Client-Id", "X-Client-Sees"] if asks_who else []
    for name in filter(None, names):
        yield {"in": "header", "name": name, **_HEADERS[name]}
    if of.query is not None:
        attributes = {"attributes"} & of.query().fields.keys()
        yield {"in": "query", "schema": of.query(exclude=attributes)}
        if attributes:
            yield _ATTRIBUTE_FILTERS
