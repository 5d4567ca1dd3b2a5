"""The OpenAPI document of a service, with what the gateway adds to it: the key, the scopes, and how else it can end."""

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
from invsys.gateway.auth.permissions import OWN, Permission

_KEY = "apiKey"
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key of a client, or a JSON Web Token. What each may do is told by its scopes.",
}
_BASIC = "basic"
_BASIC_SCHEME = {
    "type": "http",
    "scheme": "basic",
    "description": "For browsers and calendar programs: the name of the client and its API key.",
}
_ALWAYS = (MisdirectedRequest, errors.RateLimited, errors.UpstreamUnreachable, errors.UpstreamTimeout)
_WITH_KEY = (errors.Unauthenticated, errors.Forbidden)

_IDENTITY = (client_id.HEADER, client_id.SEES)

# What stands for a parameter in a path, so that the path is one of the table's.
_COLLECTION, _OTHER = "cars", "00000000-0000-4000-8000-000000000000"


def completed(answer: Response, find: Callable[[str, str], Permission | None]) -> Response:
    """Complete the document that a service answers; ``find`` gives the table's line for a path and a method."""
    if request.method == "HEAD":
        answer.headers.pop("Content-Length", None)  # it is another one
    if answer.status_code != 200 or answer.is_streamed or not answer.is_json:
        return answer
    try:
        return http_responses.json(_completed(orjson.loads(answer.get_data()), find))
    except (AttributeError, KeyError, TypeError, ValueError):
        return answer  # whatever it is, it is no such document


def _completed(document: dict[str, Any], find: Callable[[str, str], Permission | None]) -> dict[str, Any]:
    for path, operations in document["paths"].items():
        filled = re.sub(r"\{[^}]*\}", _OTHER, path.replace("{collection}", _COLLECTION))
        for method, operation in operations.items():
            if (line := find(filled, method.upper())) is not None:
                _complete(operation, line)
    components = document.setdefault("components", {})
    components.setdefault("securitySchemes", {}).update({_KEY: _SCHEME, _BASIC: _BASIC_SCHEME})
    components.setdefault("responses", {}).update(
        {kind.code: _response(kind) for kind in (*_ALWAYS, *_WITH_KEY)},
    )
    return document


def _complete(operation: dict[str, Any], line: Permission) -> None:
    # Callers do not say who they are in these.
    operation["parameters"] = [each for each in operation.get("parameters", ()) if each.get("name") not in _IDENTITY]
    ends = _ALWAYS if line.scope is None else (*_ALWAYS, *_WITH_KEY)
    for kind in ends:
        _add(operation["responses"], kind)
    if line.scope is None:
        operation["security"] = []
        return
    # Either of them.
    operation["security"] = [{_KEY: []}, {_BASIC: []}] if line.basic else [{_KEY: []}]
    takes = f"{line.scope}`` or ``{OWN}" if line.scope.startswith("allocations:") else line.scope
    said = operation.get("description", "")
    operation["description"] = f"{said}\n\nTakes the scope ``{takes}``.".replace("``", "`").strip()


def _add(responses: dict[str, Any], kind: type[Problem]) -> None:
    """Add a failure of the gateway to the responses of an operation; the service may have one with the same status."""
    known = responses.setdefault(str(kind.status), {"$ref": f"#/components/responses/{kind.code}"})
    if "content" not in known:
        return
    known["description"] = f"{known['description']}; or: {kind.title}"
    for media_type, content in _response(kind)["content"].items():
        if (other := known["content"].get(media_type)) is not None:
            other["schema"] = {"oneOf": [*other["schema"].get("oneOf", [other["schema"]]), content["schema"]]}


def _response(kind: type[Problem]) -> dict[str, Any]:
    schema = problems.json_schema(kind, **({"scope": {"type": "string"}} if kind is errors.Forbidden else {}))
    types = ("application/problem+json", "application/problem+xml")
    return {"description": kind.title, "content": {media_type: {"schema": schema} for media_type in types}}
