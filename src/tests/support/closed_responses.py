"""Closes the response schemas of an OpenAPI document, which are open for additions by later versions."""

import copy
from typing import Any

from tests.support.contract_schemas import resolve

_ANY_PROBLEM = "#/components/schemas/Problem"


def close_responses(document: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a document in which responses have only the documented members, codes and event kinds.

    The tests compare our own responses with this copy, so an undocumented member is an error.
    """
    closed = copy.deepcopy(document)
    for item in closed["paths"].values():
        for operation in item.values():
            # Besides the operations, a path has ``parameters``, which is a list.
            if isinstance(operation, dict):
                operation["responses"].pop("default", None)
                for response in operation["responses"].values():
                    for content in resolve(closed, response).get("content", {}).values():
                        _close(closed, content["schema"])
    return closed


def _close(document: dict[str, Any], schema: dict[str, Any]) -> None:
    """Close a schema, its parts and the components to which it refers."""
    if "$ref" in schema:
        *parents, name = schema["$ref"].removeprefix("#/").split("/")
        folder: Any = document
        for parent in parents:
            folder = folder[parent]
        _close(document, folder[name])
    if "anyOf" in schema:
        schema["anyOf"] = [branch for branch in schema["anyOf"] if not _is_for_additions(branch)]
    if "x-extensible-enum" in schema:
        schema["enum"] = schema["x-extensible-enum"]
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for part in (*parts, schema.get("items"), schema.get("additionalProperties")):
        if isinstance(part, dict):
            _close(document, part)


def _is_for_additions(branch: dict[str, Any]) -> bool:
    """Return whether a branch of a union only permits additions by later versions: any problem code, or any object."""
    return branch.get("$ref") == _ANY_PROBLEM or (branch.get("type") == "object" and "properties" not in branch)
