"""The OpenAPI 3.1 document: paths from Flask's routes, bodies from the schemas, failures from the error classes.

What these cannot tell (what an operation is for, how it can end) stands in ``operations``.
"""

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response
from marshmallow import Schema
from werkzeug.routing import Rule

import invsys
from invsys.chassis.http import request_body
from invsys.chassis.http import responses as http_responses
from invsys.chassis.http.problems import Problem
from invsys.inventory import schemas
from invsys.inventory.api.operations import OPERATIONS, TAGS, Operation
from invsys.inventory.openapi import description as text
from invsys.inventory.openapi import parameters, problems, responses
from invsys.inventory.openapi.examples import EXAMPLES
from invsys.inventory.schemas import fields
from invsys.inventory.schemas.outputs import Snapshot


def register(app: Flask, collections: Iterable[str]) -> None:
    """Serve the document at ``/api/openapi.json``."""
    made: list[dict[str, Any]] = []

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        if not made:
            made.append(document(app, collections))
        return http_responses.json(made[0])


def document(app: Flask, collections: Iterable[str]) -> dict[str, Any]:
    """Build the document for the routes of ``app``, whose collections are these."""
    spec = APISpec(
        title="InvSys inventory",
        version=invsys.__version__,
        openapi_version="3.1.0",
        plugins=[_Plugin()],
        info={"description": text.TEXT, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
        tags=[{"name": name} for name in TAGS],
    )
    for schema in schemas.TAKEN + schemas.GIVEN:
        spec.components.schema(schema.__name__, schema=schema)
    for schema in schemas.GIVEN:
        component = spec.components.schemas[schema.__name__]
        component["required"] = sorted(component["properties"])
    for taken in (schemas.NewAllocation, schemas.NewAllocationOfAny):
        spec.components.schemas[taken.__name__]["allOf"] = [_one_of("from"), _one_of("to")]
    for kind in _problems_of(OPERATIONS.values()):
        spec.components.schema(problems.component(kind), component=problems.schema(kind))
    for name, header in responses.HEADERS.items():
        spec.components.header(name, header)
    for rule in app.url_map.iter_rules():
        spec.path(
            path=_path(rule),
            parameters=[parameters.of_path(name, collections) for name in sorted(rule.arguments)],
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
            fields.UtcDateTimeField: ("string", "date-time"),
            fields.Infinite: ("boolean", None),
            fields.Status: ("string", None),
            Snapshot: ("object", None),
            fields.Cursor: ("string", None),
            fields.FeedCursor: ("string", None),
        }


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _path(rule: Rule) -> str:
    """Write Flask's route as OpenAPI does; what is a resource_type to us is a collection to a caller."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).replace("{resource_type}", "{collection}")


def _operation(rule: Rule, method: str) -> dict[str, Any]:
    of = OPERATIONS[rule.endpoint, method]
    made: dict[str, Any] = {
        "summary": of.summary,
        "tags": [of.tag],
        "operationId": f"{method.lower()}_{rule.endpoint}{'_of_one' if 'resource_id' in rule.arguments else ''}",
        "parameters": list(parameters.of_operation(of)),
        "responses": responses.of_operation(of),
    }
    if of.body is not None:
        media_type = {"schema": of.body, "example": EXAMPLES[of.body]}
        made["requestBody"] = {"required": True, "content": {"application/json": media_type}}
        if method == "PATCH":
            made["requestBody"]["content"][request_body.MERGE_PATCH] = _merge_patch(of.body)
    return made


def _merge_patch(body: type[Schema]) -> dict[str, Any]:
    description = "As application/json, but `attributes` and `dump` are merged (RFC 7396): `null` removes a key"
    return {"schema": {"type": "object", "description": description}, "example": EXAMPLES[body]}


def _problems_of(operations: Iterable[Operation]) -> list[type[Problem]]:
    return sorted({kind for of in operations for kind in of.failures}, key=lambda kind: kind.code)
