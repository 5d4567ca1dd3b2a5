"""Extends the OpenAPI document of a service: security schemes, scopes, problems, rate limits and ``/whoami``."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request

from invsys.chassis.access import client_id
from invsys.chassis.http import problems
from invsys.chassis.http import responses as http_responses
from invsys.chassis.http.problems import InvalidFields, MisdirectedRequest, Problem
from invsys.gateway import errors, whoami
from invsys.gateway.auth.permissions import Permission

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

# The names of the header components, and their schemas.
_LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "The limits: `q` requests in `w` seconds each, or `q` at once (`qu`); RFC 9651",
        "schema": {"type": "string", "examples": ['"rate";q=500;w=1, "concurrent";q=16;qu="concurrent-requests"']},
    },
    "RateLimit": {
        "description": "What remains of the limits that counted the request: `r` requests, more after `t` seconds",
        "schema": {"type": "string", "examples": ['"rate";r=499;t=1, "concurrent";r=15']},
    },
}
# The name of the component that describes problems with any code.
_ANY_PROBLEM = "Problem"
_ANY_SCHEMA = {"$ref": f"#/components/schemas/{_ANY_PROBLEM}"}
_RETRY_AFTER = {"description": "Seconds to wait before the next request", "schema": {"type": "integer", "minimum": 1}}

# The part of the introduction that concerns only callers of the gateway.
_INTRODUCTION = """

**Rate limits.** `GET /whoami` shows the limits of a client. Every response to a request that was counted has
`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11). After a 429, wait for the seconds in
`Retry-After`; `RateLimit` then has only the limit that refused the request.

**Compression.** With `Accept-Encoding: gzip`, responses of 1 KiB to 1 MiB are compressed, and their `ETag` ends with
`-gzip`. Conditional requests accept it with and without this suffix."""

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
    document["info"]["description"] = document["info"].get("description", "") + _INTRODUCTION
    document["paths"][whoami.PATH] = {"get": _whoami_operation()}
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {}).update({_KEY: _SCHEME, _BASIC: _BASIC_SCHEME})
    components.setdefault("headers", {}).update(_LIMIT_HEADERS)
    components.setdefault("schemas", {}).setdefault(_ANY_PROBLEM, problems.JSON_SCHEMA)
    components.setdefault("responses", {}).update(
        {kind.code: _response(kind) for kind in (*_ALWAYS_POSSIBLE, *_POSSIBLE_WITH_KEY)},
    )
    components["responses"].setdefault(_ANY_PROBLEM, _any_problem())
    return document


def _extend_operation(operation: dict[str, Any], permission: Permission) -> None:
    parameters = operation.get("parameters", ())
    operation["parameters"] = [item for item in parameters if item.get("name") not in _IDENTITY_HEADERS]
    problems = _ALWAYS_POSSIBLE if permission.scope is None else (*_ALWAYS_POSSIBLE, *_POSSIBLE_WITH_KEY)
    for problem in problems:
        _add_problem(operation["responses"], problem)
    operation["responses"].setdefault("default", {"$ref": f"#/components/responses/{_ANY_PROBLEM}"})
    if permission.scope is None:
        operation["security"] = []
        return
    # The items of the list are alternatives.
    operation["security"] = [{_KEY: []}, {_BASIC: []}] if permission.basic else [{_KEY: []}]
    scopes = " or ".join(f"`{scope}`" for scope in (permission.scope, permission.own_scope) if scope)
    description = operation.get("description", "").replace("``", "`")
    operation["description"] = f"{description}\n\nRequires the scope {scopes}.".strip()


def _whoami_operation() -> dict[str, Any]:
    content = {media_type: {"schema": whoami.SCHEMA} for media_type in (http_responses.JSON, http_responses.XML)}
    kinds = (MisdirectedRequest, InvalidFields, errors.Unauthenticated, errors.RateLimited, errors.KeysUnavailable)
    return {
        "summary": "Show the client to which the API key or the token belongs, its scopes and its limits",
        "description": "Needs no scope. The gateway itself responds.",
        "tags": ["operations"],
        "operationId": "get_whoami",
        "security": [{_KEY: []}],
        "responses": {
            "200": {"description": "The client", "headers": _limit_headers(), "content": content},
            **{str(kind.status): _response(kind) for kind in kinds},
            "default": {"$ref": f"#/components/responses/{_ANY_PROBLEM}"},
        },
    }


def _limit_headers() -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMIT_HEADERS}


def _add_problem(responses: dict[str, Any], kind: type[Problem]) -> None:
    """Add a problem to the responses of an operation, as an alternative if the service uses the same status."""
    response = responses.setdefault(str(kind.status), {"$ref": f"#/components/responses/{kind.code}"})
    if "content" not in response:
        return
    response["description"] = f"{response['description']}; or: {kind.title}"
    response.setdefault("headers", {}).update(_response(kind).get("headers", {}))
    for media_type, content in _response(kind)["content"].items():
        if (existing := response["content"].get(media_type)) is not None:
            alternatives = existing["schema"].get("anyOf", [existing["schema"]])
            additional = [schema for schema in content["schema"]["anyOf"] if schema not in alternatives]
            existing["schema"] = {"anyOf": [*alternatives, *additional]}


def _response(kind: type[Problem]) -> dict[str, Any]:
    schema = problems.json_schema(kind, **({"scope": {"type": "string"}} if kind is errors.Forbidden else {}))
    headers = {"headers": {"Retry-After": _RETRY_AFTER, **_limit_headers()}} if kind is errors.RateLimited else {}
    # Later versions can have other codes with the same status.
    return {"description": kind.title, **headers, "content": _content({"anyOf": [schema, _ANY_SCHEMA]})}


def _any_problem() -> dict[str, Any]:
    return {"description": problems.JSON_SCHEMA["description"], "content": _content(_ANY_SCHEMA)}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {media_type: {"schema": schema} for media_type in ("application/problem+json", "application/problem+xml")}
