"""Extends the OpenAPI document of a service with the gateway's security schemes, scopes and problem responses."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request

from invsys.chassis.access import client_id
from invsys.chassis.http import problems
from invsys.chassis.http import responses as http_responses
from invsys.chassis.http.problems import MisdirectedRequest, Problem
from invsys.gateway import errors
from invsys.gateway.auth.permissions import OWN_SCOPE, Permission

_KEY = "apiKey"
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key of a client, or a JSON Web Token. Its scopes determine which operations it may call.",
}
_BASIC = "basic"
_BASIC_SCHEME = {
    "type": "http",
    "scheme": "basic",
    "description": "For browsers and calendar programs: the client name as user name and its API key as password.",
}
_ALWAYS_POSSIBLE = (MisdirectedRequest, errors.RateLimited, errors.UpstreamUnreachable, errors.UpstreamTimeout)
_POSSIBLE_WITH_KEY = (errors.Unauthenticated, errors.Forbidden)

# The gateway sets these headers itself, so callers do not send them.
_IDENTITY_HEADERS = (client_id.HEADER, client_id.VISIBILITY)

# Example values for the parameters of a path, so that the path matches a route.
_COLLECTION, _ID = "cars", "00000000-0000-4000-8000-000000000000"


FindPermission = Callable[[str, str], Permission | None]


def extend_response(response: Response, find_permission: FindPermission) -> Response:
    """Return the response with the extended document; a response without an OpenAPI document is returned unchanged.

    ``find_permission`` takes a path and a method.
    """
    if request.method == "HEAD":
        response.headers.pop("Content-Length", None)  # the extended document has another length
    if response.status_code != 200 or response.is_streamed or not response.is_json:
        return response
    try:
        return http_responses.json(_extend(orjson.loads(response.get_data()), find_permission))
    except (AttributeError, KeyError, TypeError, ValueError):
        return response  # not an OpenAPI document


def _extend(document: dict[str, Any], find_permission: FindPermission) -> dict[str, Any]:
    for path, operations in document["paths"].items():
        example_path = re.sub(r"\{[^}]*\}", _ID, path.replace("{collection}", _COLLECTION))
        for method, operation in operations.items():
            if (permission := find_permission(example_path, method.upper())) is not None:
                _extend_operation(operation, permission)
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {}).update({_KEY: _SCHEME, _BASIC: _BASIC_SCHEME})
    components.setdefault("responses", {}).update(
        {kind.code: _response(kind) for kind in (*_ALWAYS_POSSIBLE, *_POSSIBLE_WITH_KEY)},
    )
    return document


def _extend_operation(operation: dict[str, Any], permission: Permission) -> None:
    parameters = operation.get("parameters", ())
    operation["parameters"] = [item for item in parameters if item.get("name") not in _IDENTITY_HEADERS]
    problems = _ALWAYS_POSSIBLE if permission.scope is None else (*_ALWAYS_POSSIBLE, *_POSSIBLE_WITH_KEY)
    for problem in problems:
        _add_problem(operation["responses"], problem)
    if permission.scope is None:
        operation["security"] = []
        return
    # The items of the list are alternatives.
    operation["security"] = [{_KEY: []}, {_BASIC: []}] if permission.basic else [{_KEY: []}]
    is_ownable = permission.scope.startswith("allocations:") and permission.accepts_own
    scopes = f"`{permission.scope}` or `{OWN_SCOPE}`" if is_ownable else f"`{permission.scope}`"
    description = operation.get("description", "").replace("``", "`")
    operation["description"] = f"{description}\n\nRequires the scope {scopes}.".strip()


def _add_problem(responses: dict[str, Any], kind: type[Problem]) -> None:
    """Add a problem to the responses of an operation, as an alternative if the service uses the same status."""
    response = responses.setdefault(str(kind.status), {"$ref": f"#/components/responses/{kind.code}"})
    if "content" not in response:
        return
    response["description"] = f"{response['description']}; or: {kind.title}"
    for media_type, content in _response(kind)["content"].items():
        if (existing := response["content"].get(media_type)) is not None:
            alternatives = existing["schema"].get("oneOf", [existing["schema"]])
            existing["schema"] = {"oneOf": [*alternatives, content["schema"]]}


def _response(kind: type[Problem]) -> dict[str, Any]:
    schema = problems.json_schema(kind, **({"scope": {"type": "string"}} if kind is errors.Forbidden else {}))
    types = ("application/problem+json", "application/problem+xml")
    return {"description": kind.title, "content": {media_type: {"schema": schema} for media_type in types}}
