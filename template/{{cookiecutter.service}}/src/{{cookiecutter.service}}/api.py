"""The HTTP interface: the route table, and the Flask-RESTful class for each line of it.

A method reads the request through a schema, calls one verb or question, and dumps what that gives.
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
    """``/api/pallets``."""

    def get(self) -> Response:
        """List pallets, by name."""
        query = query_string.load(schemas.page_query)
        limit = query["limit"]
        # One more than asked for tells whether there is a next page.
        found = pallets.page(limit + 1, query["after"])
        shown = schemas.pallets.dump(found[:limit])
        answer = responses.make_response(shown, root="pallet", roots="pallets")
        if len(found) > limit:
            following = urlencode({"limit": limit, "after": found[limit - 1].name})
            answer.headers["Link"] = f'<{request.path}?{following}>; rel="next"'
        return answer

    def post(self) -> Response:
        """Register a pallet."""
        given = schemas.new_pallet.load(request_body.json_object())
        made = pallets.register(**given, created_by=client_id.current())
        return _answer(made, 201, {"Location": f"{request.path}/{made.id}"})


class PalletItem(rest.Resource):
    """``/api/pallets/{pallet_id}``."""

    def get(self, pallet_id: uuid.UUID) -> Response:
        """Show a pallet."""
        return conditional.apply_if_none_match(_answer(pallets.one(pallet_id)))

    def patch(self, pallet_id: uuid.UUID) -> Response:
        """Change a pallet."""
        changes = schemas.changed_pallet.load(request_body.json_object())
        return _answer(pallets.change(pallet_id, changes, conditional.expected_versions()))

    def delete(self, pallet_id: uuid.UUID) -> Response:
        """Remove a pallet."""
        pallets.remove(pallet_id, conditional.expected_versions())
        return responses.no_content()


ROUTES: list[tuple[type[rest.Resource], str]] = [
    (PalletCollection, "/api/pallets"),
    (PalletItem, "/api/pallets/<uuid:pallet_id>"),
]


class Api(rest.Api):
    """Flask-RESTful, with every failure left to the one place that answers them.

    On its own it answers exceptions by itself, except under TESTING: tests would see another service than callers do.
    """

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Hand a failure back to Flask's own handlers."""
        return original_handler(e)


def register(app: Flask) -> None:
    """Put the routes into ``app``."""
    app.register_error_handler(errors.VersionMismatch, _answer_version_mismatch)
    api = Api(app)
    for resource, url in ROUTES:
        api.add_resource(resource, url)


def _answer(shown: Pallet, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    headers = {"ETag": conditional.etag(shown.version), **(headers or {})}
    return responses.make_response(schemas.pallet.dump(shown), status, headers, root="pallet")


def _answer_version_mismatch(error: errors.VersionMismatch) -> Response:
    answer = problems.problem_response(error)
    answer.headers["ETag"] = conditional.etag(error.version)
    return answer
