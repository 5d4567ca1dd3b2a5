"""The OpenAPI 3.1 document: paths from Flask's routes, bodies from the schemas, failures from the error classes.

What these cannot tell (what an operation is for, how it can end) stands in ``operations``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response
from werkzeug.routing import Rule

import invsys
from invsys.chassis import answers
from invsys.chassis.problems import InvalidFields, Problem
from invsys.inventory import fields, schemas
from invsys.inventory.errors import InTheWay
from invsys.inventory.examples import EXAMPLES, PROBLEM_EXAMPLE
from invsys.inventory.operations import OPERATIONS, Operation

_REQUEST_ID = {"type": "string", "pattern": "^[!-~]{1,128}$"}
_ANSWER_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "The id of the request, in the log too", "schema": _REQUEST_ID},
    "ETag": {"description": "The item's version, for If-Match and If-None-Match", "schema": {"type": "string"}},
    "Location": {"description": "Where the new item is", "schema": {"type": "string", "format": "uri-reference"}},
    "Link": {"description": 'The next page, rel="next" (RFC 8288); absent on the last', "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before trying again", "schema": {"type": "integer"}},
}
_REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "Taken over when usable, else made", "schema": {"type": "string"}},
    "If-Match": {"description": "Only if the item is still at this ETag", "schema": {"type": "string"}},
    "If-None-Match": {"description": "304 if the item is still at this ETag", "schema": {"type": "string"}},
}
_PROBLEM_HEADERS = {412: "ETag", 503: "Retry-After"}


def register(app: Flask, collections: Iterable[str]) -> None:
    """Serve the document at ``/api/openapi.json``."""
    made: list[dict[str, Any]] = []

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        if not made:
            made.append(document(app, collections))
        return answers.json(made[0])


def document(app: Flask, collections: Iterable[str]) -> dict[str, Any]:
    """Build the document for the routes of ``app``, whose collections are these."""
    spec = APISpec(
        title="InvSys inventory",
        version=invsys.__version__,
        openapi_version="3.1.0",
        plugins=[_Plugin()],
        info={"description": invsys.__doc__, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
    )
    for schema in schemas.TAKEN + schemas.GIVEN:
        spec.components.schema(schema.__name__, schema=schema)
    for schema in schemas.GIVEN:
        component = spec.components.schemas[schema.__name__]
        component["required"] = sorted(component["properties"])
    spec.components.schemas["NewAllocation"]["allOf"] = [_one_of("from"), _one_of("to")]
    for kind in _problems_of(OPERATIONS.values()):
        spec.components.schema(_component(kind), component=_problem_schema(kind))
    for name, header in _ANSWER_HEADERS.items():
        spec.components.header(name, header)
    for rule in app.url_map.iter_rules():
        spec.path(
            path=_path(rule),
            parameters=[_path_parameter(name, collections) for name in sorted(rule.arguments)],
            operations={method.lower(): _operation(rule, method) for method in _methods(rule)},
        )
    return spec.to_dict()


def _one_of(side: str) -> dict[str, Any]:
    """Say that a side of a period is an instant or infinite, and not both; null and false count as not given."""
    instant, infinity = f"{side}_datetime", f"{side}_infinity"
    finite = {"properties": {instant: {"type": "string"}, infinity: {"enum": [False, None]}}, "required": [instant]}
    infinite = {"properties": {instant: {"type": "null"}, infinity: {"const": True}}, "required": [infinity]}
    return {"oneOf": [finite, infinite]}


class _Plugin(MarshmallowPlugin):
    """The plugin that reads schemas, told what our own fields look like."""

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        assert self.converter is not None
        self.converter.field_mapping = {
            **self.converter.field_mapping,
            fields.Instant: ("string", "date-time"),
            fields.Infinite: ("boolean", None),
            fields.Status: ("string", None),
            fields.Cursor: ("string", None),
        }


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _path(rule: Rule) -> str:
    """Write Flask's route as OpenAPI does; what is a resource_type to us is a collection to a caller."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).replace("{resource_type}", "{collection}")


def _path_parameter(name: str, collections: Iterable[str]) -> dict[str, Any]:
    schema: dict[str, Any]
    if name == "resource_type":
        name, schema = "collection", {"type": "string", "enum": sorted(collections)}
    else:
        schema = {"type": "string", "format": "uuid"}
    return {"in": "path", "name": name, "required": True, "schema": schema}


def _operation(rule: Rule, method: str) -> dict[str, Any]:
    of = OPERATIONS[rule.endpoint, method]
    made: dict[str, Any] = {
        "summary": of.summary,
        "tags": [of.tag],
        "operationId": f"{method.lower()}_{rule.endpoint}{'_of_one' if 'resource_id' in rule.arguments else ''}",
        "parameters": list(_parameters(of)),
        "responses": _responses(of),
    }
    if of.body is not None:
        media_type = {"schema": of.body, "example": EXAMPLES[of.body]}
        made["requestBody"] = {"required": True, "content": {"application/json": media_type}}
    return made


def _parameters(of: Operation) -> Iterator[dict[str, Any]]:
    for name in ("X-Request-Id", of.conditional):
        if name is not None:
            yield {"in": "header", "name": name, **_REQUEST_HEADERS[name]}
    if of.query is not None:
        yield {"in": "query", "schema": of.query}


def _responses(of: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {str(of.status): _success(of)}
    if of.conditional == "If-None-Match":
        responses["304"] = {"description": "It is still at this ETag", "headers": _headers("ETag")}
    by_status = defaultdict(list)
    for kind in of.ends:
        by_status[kind.status].append(kind)
    for status, kinds in sorted(by_status.items()):
        responses[str(status)] = _failure(status, kinds)
    return responses


def _success(of: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"description": of.summary, "headers": _headers(*of.headers)}
    if of.answer is not None:
        schema = {"type": "array", "items": of.answer} if of.many else of.answer
        made["content"] = {media_type: {"schema": schema} for media_type in of.media_types}
        if not isinstance(of.answer, dict):
            example = EXAMPLES[of.answer]
            made["content"]["application/json"]["example"] = [example] if of.many else example
    return made


def _failure(status: int, kinds: list[type[Problem]]) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{_component(kind)}"} for kind in kinds]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    headers = [_PROBLEM_HEADERS[status]] if status in _PROBLEM_HEADERS else []
    return {
        "description": "; or: ".join(kind.title for kind in kinds),
        "headers": _headers(*headers),
        "content": {
            "application/problem+json": {"schema": schema, "example": _problem_example(kinds[0])},
            "application/problem+xml": {"schema": schema},
        },
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _problems_of(operations: Iterable[Operation]) -> list[type[Problem]]:
    return sorted({kind for of in operations for kind in of.ends}, key=lambda kind: kind.code)


def _component(kind: type[Problem]) -> str:
    return f"{kind.__name__}Problem"


def _problem_schema(kind: type[Problem]) -> dict[str, Any]:
    members: dict[str, Any] = {
        "type": {"type": "string", "const": f"/docs/problems/{kind.code}"},
        "title": {"type": "string"},
        "status": {"type": "integer", "const": kind.status},
        "code": {"type": "string", "const": kind.code},
        "detail": {"type": "string"},
        "request_id": _REQUEST_ID,
    }
    if issubclass(kind, InTheWay):
        items = {"$ref": "#/components/schemas/Conflict"}
        members["conflicts"] = {"type": "array", "items": items, "minItems": 1, "maxItems": 10}
    if issubclass(kind, InvalidFields):
        messages = {"type": "array", "items": {"type": "string"}}
        members["errors"] = {"type": "object", "additionalProperties": messages}
    return {"type": "object", "description": kind.__doc__, "properties": members, "required": sorted(members)}


def _problem_example(kind: type[Problem]) -> dict[str, Any]:
    made = {
        "type": f"/docs/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "code": kind.code,
        **PROBLEM_EXAMPLE,
    }
    if issubclass(kind, InTheWay):
        made["conflicts"] = [EXAMPLES[schemas.Conflict]]
    if issubclass(kind, InvalidFields):
        made["errors"] = {"limit": ["Not a valid integer."]}
    return made
