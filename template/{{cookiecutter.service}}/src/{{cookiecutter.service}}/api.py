"""The HTTP interface: the route table, and its Flask-RESTful classes.

Each method loads the request through a schema, calls one command or query, and serialises the result through a
schema.
"""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import flask_restful as rest
from flask import Flask, Response, request

from depot import errors, pallets, schemas
from depot.chassis.access import client_id
from depot.chassis.http import conditional, problems, query_string, request_body, responses
from depot.db.models import Pallet


class PalletCollection(rest.Resource):
    """The collection ``/api/pallets``."""

    def get(self) -> Response:
        """List pallets, sorted by name."""
        query = query_string.load(schemas.page_query)
        limit = query["limit"]
        # The additional row shows whether there is a next page.
        rows = pallets.page(limit + 1, query["after"])
        body = schemas.pallets.dump(rows[:limit])
        response = responses.make_response(body, root="pallet", roots="pallets")
        if len(rows) > limit:
            next_query = urlencode({"limit": limit, "after": rows[limit - 1].name})
            response.headers["Link"] = f'<{request.path}?{next_query}>; rel="next"'
        return response

    def post(self) -> Response:
        """Register a pallet."""
        values = schemas.new_pallet.load(request_body.json_object())
        row = pallets.register(**values, created_by=client_id.current())
        return _item(row, 201, {"Location": f"{request.path}/{row.id}"})


class PalletItem(rest.Resource):
    """The item ``/api/pallets/{pallet_id}``."""

    def get(self, pallet_id: uuid.UUID) -> Response:
        """Return a pallet."""
        return conditional.apply_if_none_match(_item(pallets.get(pallet_id)))

    def patch(self, pallet_id: uuid.UUID) -> Response:
        """Change a pallet."""
        changes = schemas.changed_pallet.load(request_body.json_object())
        return _item(pallets.update(pallet_id, changes, conditional.expected_versions()))

    def delete(self, pallet_id: uuid.UUID) -> Response:
        """Remove a pallet."""
        pallets.delete(pallet_id, conditional.expected_versions())
        return responses.no_content()


ROUTES: list[tuple[type[rest.Resource], str]] = [
    (PalletCollection, "/api/pallets"),
    (PalletItem, "/api/pallets/<uuid:pallet_id>"),
]


class Api(rest.Api):
    """A Flask-RESTful API that leaves exceptions to Flask's error handlers.

    Flask-RESTful's own error handling depends on ``TESTING``, so tests would get other responses than callers do.
    """

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Pass the exception to Flask's error handlers."""
        return original_handler(e)


def register(app: Flask) -> None:
    """Add the routes to ``app``."""
    app.register_error_handler(errors.VersionMismatch, _version_mismatch_response)
    api = Api(app)
    for resource, url in ROUTES:
        api.add_resource(resource, url)


def _item(row: Pallet, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    headers = {"ETag": conditional.etag(row.version), **(headers or {})}
    return responses.make_response(schemas.pallet.dump(row), status, headers, root="pallet")


def _version_mismatch_response(error: errors.VersionMismatch) -> Response:
    response = problems.problem_response(error)
    response.headers["ETag"] = conditional.etag(error.version)
    return response
