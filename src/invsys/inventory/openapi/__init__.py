"""The OpenAPI 3.1 document: paths from Flask's routes, bodies from the schemas, failures from the problem classes.

``api.operations`` adds what these do not contain: the summary of each operation, its headers and its failures.
"""

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, request
from marshmallow import Schema
from werkzeug.routing import Rule

from invsys.chassis import routes
from invsys.chassis.http import request_body
from invsys.chassis.http import responses as http_responses
from invsys.chassis.http.problems import JSON_SCHEMA, Problem
from invsys.inventory.api.operation import Operation
from invsys.inventory.api.operations import OPERATIONS, TAGS
from invsys.inventory.openapi import description as text
from invsys.inventory.openapi import links, parameters, problems, responses
from invsys.inventory.openapi.examples import EXAMPLES
from invsys.inventory.openapi.operation_texts import TEXTS
from invsys.inventory.schemas import change_list, fields, inputs, outputs, utilisation
from invsys.inventory.schemas.outputs import Snapshot

REQUEST_SCHEMAS = inputs.REQUEST_SCHEMAS + change_list.REQUEST_SCHEMAS
RESPONSE_SCHEMAS = outputs.RESPONSE_SCHEMAS + utilisation.RESPONSE_SCHEMAS


def register(app: Flask, collections: Iterable[str]) -> None:
    """Serve the document at ``/api/openapi.json``."""
    # Built by the first request, when all routes are registered.
    built: list[dict[str, Any]] = []

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        if not built:
            built.append(document(app, collections))
        return http_responses.json({**built[0], "servers": [{"url": request.script_root or "/"}]})


def document(app: Flask, collections: Iterable[str]) -> dict[str, Any]:
    """Build the document for the routes of ``app`` and the names of its collections."""
    spec = APISpec(
        title="InvSys inventory",
        version=text.VERSION,
        openapi_version="3.1.0",
        plugins=[_Plugin()],
        info={"description": text.TEXT, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
        tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        # The gateway adds how it authenticates callers.
        security=[],
    )
    spec.components.schema(parameters.COLLECTION, {"type": "string", "enum": sorted(collections)})
    for schema in REQUEST_SCHEMAS + RESPONSE_SCHEMAS:
        spec.components.schema(schema.__name__, schema=schema)
    for schema in REQUEST_SCHEMAS:
        _remove_defaults(spec.components.schemas[schema.__name__])
    for schema in RESPONSE_SCHEMAS:
        component = spec.components.schemas[schema.__name__]
        component["required"] = sorted(component["properties"].keys() - outputs.OPTIONAL.get(schema, set()))
        # Later versions can add members.
        del component["additionalProperties"]
    for schema in (inputs.NewAllocation, inputs.NewAllocationOfAny):
        spec.components.schemas[schema.__name__]["description"] = text.PERIOD
    for schema in (inputs.ChangedAllocation, change_list.ListedChange):
        spec.components.schemas[schema.__name__]["dependentSchemas"] = {"attributes": _MOVES_TO_ANY}
    for kind in _problems_of(OPERATIONS.values()):
        spec.components.schema(problems.component(kind), component=problems.schema(kind))
    spec.components.schema(problems.ANY, component=JSON_SCHEMA)
    spec.components.response(problems.ANY, responses.any_problem())
    for name, header in responses.HEADERS.items():
        spec.components.header(name, header)
    for rule in app.url_map.iter_rules():
        path = routes.path_template(rule.rule)
        spec.path(
            path=path,
            parameters=[parameters.of_path(name) for name in re.findall(r"{(\w+)}", path)],
            operations={method.lower(): _operation(rule, method, _name_suffix(app, rule)) for method in _methods(rule)},
        )
    return spec.to_dict()


_MOVES_TO_ANY = {"properties": {"resource_id": {"const": fields.ANY}}, "required": ["resource_id"]}


def _remove_defaults(component: dict[str, Any]) -> None:
    """Remove the defaults of a request body's members: generated clients would require these members, or send them."""
    for member in component["properties"].values():
        member.pop("default", None)


class _Plugin(MarshmallowPlugin):
    """The plugin that converts schemas, extended by the JSON types of our fields."""

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        assert self.converter is not None
        self.converter.field_mapping = {
            **self.converter.field_mapping,
            fields.UtcDateTimeField: ("string", "date-time"),
            fields.IdOrAny: ("string", None),
            fields.Infinite: ("boolean", None),
            fields.Status: ("string", None),
            fields.Duration: ("string", "duration"),
            utilisation.Seconds: ("number", None),
            Snapshot: (None, None),
            fields.Cursor: ("string", None),
            fields.FeedCursor: ("string", None),
        }


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _name_suffix(app: Flask, rule: Rule) -> str:
    """Return what distinguishes the names of the operations of a route from those of another one with its endpoint."""
    has_two_paths = len(list(app.url_map.iter_rules(rule.endpoint))) > 1
    return "_of_vehicle" if has_two_paths and "resource_id" in rule.arguments else ""


def _operation(rule: Rule, method: str, name_suffix: str) -> dict[str, Any]:
    operation = OPERATIONS[rule.endpoint, method]
    name, description = TEXTS[rule.endpoint, method]
    document: dict[str, Any] = {
        "summary": operation.summary,
        "description": description,
        "tags": [operation.tag],
        "operationId": f"{name}{name_suffix}",
        "parameters": list(parameters.of_operation(operation)),
        "responses": responses.of_operation(operation),
    }
    if follow_ups := links.of_operation(document["operationId"]):
        document["responses"][str(operation.status)]["links"] = follow_ups
    if operation.body is not None:
        media_type = {"schema": operation.body, "example": EXAMPLES[operation.body]}
        document["requestBody"] = {"required": True, "content": {"application/json": media_type}}
        if operation.merge_patch:
            document["requestBody"]["content"][request_body.MERGE_PATCH] = _merge_patch(operation.body)
    return document


def _merge_patch(body: type[Schema]) -> dict[str, Any]:
    description = "Like application/json, but `attributes` and `dump` are merged (RFC 7396): `null` removes a key"
    return {"schema": {"type": "object", "description": description}, "example": EXAMPLES[body]}


def _problems_of(operations: Iterable[Operation]) -> list[type[Problem]]:
    return sorted({kind for operation in operations for kind in operation.failures}, key=lambda kind: kind.code)
