"""The HTTP interface: the route table, and the Flask-RESTful classes that it names.

A method reads the request through a schema, calls one verb or question, and dumps what that gives.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import flask_restful as rest
from flask import Flask, Response, request
from marshmallow import Schema
from werkzeug.routing import BaseConverter, UUIDConverter

from invsys.chassis import answers, bodies, conditional, problems, queries
from invsys.inventory import errors, fields, inventory, lookup, schemas
from invsys.inventory.models import Row


class ResourceCollection(rest.Resource):
    """``/api/cars``."""

    def get(self, resource_type: str) -> Response:
        """List vehicles."""
        query = queries.load(schemas.resource_query)
        rows = lookup.resources(resource_type, **_with_one_more(query))
        return _page(rows, query["limit"], schemas.resources, lambda row: [row["key"]], root="resource")

    def post(self, resource_type: str) -> Response:
        """Register a vehicle."""
        row = inventory.register(resource_type, **schemas.new_resource.load(bodies.json_object()))
        return _created(row, schemas.resource, root="resource")


class ResourceItem(rest.Resource):
    """``/api/cars/{resource_id}``."""

    def get(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Show a vehicle."""
        return _item(lookup.resource(resource_type, resource_id), schemas.resource, root="resource")

    def delete(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Decommission a vehicle."""
        inventory.decommission(resource_type, resource_id, conditional.expected_versions())
        return answers.nothing()


class AllocationCollection(rest.Resource):
    """``/api/cars/{resource_id}/allocations``."""

    def get(self, resource_type: str, resource_id: uuid.UUID | None = None) -> Response:
        """List the allocations of a vehicle, or of all."""
        query = queries.load(schemas.allocation_query)
        rows = lookup.allocations(resource_type, resource_id=resource_id, **_with_one_more(query))
        return _page(rows, query["limit"], schemas.allocations, lookup.position, root="allocation")

    def post(self, resource_type: str, resource_id: uuid.UUID) -> Response:
        """Allocate a vehicle."""
        row = inventory.allocate(resource_type, resource_id, **schemas.new_allocation.load(bodies.json_object()))
        return _created(row, schemas.allocation, root="allocation")


class AllocationsOfAll(AllocationCollection):
    """``/api/cars/all/allocations``: those of every vehicle; a new one needs a vehicle to be of."""

    methods = frozenset({"GET"})


class AllocationItem(rest.Resource):
    """``/api/cars/{resource_id}/allocations/{allocation_id}``, or with ``all`` for the vehicle."""

    def get(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Show an allocation."""
        row = lookup.allocation(resource_type, allocation_id, resource_id)
        return _item(row, schemas.allocation, root="allocation")

    def delete(self, resource_type: str, allocation_id: uuid.UUID, resource_id: uuid.UUID | None = None) -> Response:
        """Free the period again."""
        inventory.deallocate(resource_type, allocation_id, resource_id, conditional.expected_versions())
        return answers.nothing()


ROUTES: list[tuple[type[rest.Resource], list[str]]] = [
    (ResourceCollection, ["/api/<collection:resource_type>"]),
    (ResourceItem, ["/api/<collection:resource_type>/<uuid:resource_id>"]),
    (AllocationCollection, ["/api/<collection:resource_type>/<uuid:resource_id>/allocations"]),
    (AllocationsOfAll, ["/api/<collection:resource_type>/all/allocations"]),
    (
        AllocationItem,
        [
            "/api/<collection:resource_type>/<uuid:resource_id>/allocations/<uuid:allocation_id>",
            "/api/<collection:resource_type>/all/allocations/<uuid:allocation_id>",
        ],
    ),
]


class Api(rest.Api):
    """Flask-RESTful, with every failure left to the one place that answers them.

    On its own it answers exceptions by itself, except under TESTING: tests would see another service than callers do.
    """

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Hand a failure back to Flask's own handlers."""
        return original_handler(e)


def register(app: Flask, collections: Mapping[str, str]) -> None:
    """Put the routes into ``app``; ``collections`` maps each name in the URL to its resource_type."""
    app.url_map.converters["collection"] = _converter(collections)
    app.url_map.converters["uuid"] = _LowerCaseUuid
    app.register_error_handler(errors.InTheWay, _answer_in_the_way)
    app.register_error_handler(errors.VersionMismatch, _answer_version_mismatch)
    api = Api(app)
    for resource, urls in ROUTES:
        api.add_resource(resource, *urls)


class _LowerCaseUuid(UUIDConverter):
    """An id as it is given out; in capitals it is none."""

    regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _converter(collections: Mapping[str, str]) -> type[BaseConverter]:
    class Collection(BaseConverter):
        # Named one by one, so that whatever else is asked for, with whatever method, is not found.
        regex = "|".join(map(re.escape, collections))

        def to_python(self, value: str) -> str:
            return collections[value]

    return Collection


def _answer_in_the_way(error: errors.InTheWay) -> Response:
    return problems.problem_answer(error, conflicts=schemas.conflicts.dump(error.conflicts))


def _answer_version_mismatch(error: errors.VersionMismatch) -> Response:
    answer = problems.problem_answer(error)
    answer.headers["ETag"] = conditional.etag(error.version)
    return answer


def _with_one_more(query: dict[str, Any]) -> dict[str, Any]:
    """Ask for one more than the caller did: it tells whether there is a next page."""
    return {**query, "limit": query["limit"] + 1}


def _page(
    rows: Sequence[Row], limit: int, schema: Schema, position: Callable[[Row], Sequence[int | None]], root: str
) -> Response:
    page = rows[:limit]
    answer = answers.answer(schema.dump(page), root=root)
    if len(rows) > limit:
        query = {**request.args, "cursor": fields.cursor(*position(page[-1]))}
        answer.headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return answer


def _item(row: Row, schema: Schema, root: str) -> Response:
    answer = answers.answer(schema.dump(row), headers={"ETag": conditional.etag(row["version"])}, root=root)
    return conditional.unless_known(answer)


def _created(row: Row, schema: Schema, root: str) -> Response:
    headers = {"Location": f"{request.path}/{row['id']}", "ETag": conditional.etag(row["version"])}
    return answers.answer(schema.dump(row), 201, headers, root=root)
