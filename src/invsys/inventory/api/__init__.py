"""The HTTP interface: the route table, and what turns failures into answers.

A method of the Flask-RESTful classes that the table names reads the request through a schema, calls one verb or
question, and dumps what that gives.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

import flask_restful as rest
from flask import Flask, Response, request
from werkzeug.routing import BaseConverter, UUIDConverter

from invsys.chassis import identifiers
from invsys.chassis.http import conditional, problems, query_string
from invsys.inventory import errors, schemas
from invsys.inventory.api.allocations import AllocationCollection, AllocationItem, AllocationsOfAll, AllocationsOfAny
from invsys.inventory.api.availability import AvailabilityOfAll, AvailabilityOfOne
from invsys.inventory.api.events import EventCollection
from invsys.inventory.api.exports import AllocationCalendar, VehicleAvailability
from invsys.inventory.api.operations import OPERATIONS
from invsys.inventory.api.resources import ResourceCollection, ResourceItem

_VEHICLES = "/api/<collection:resource_type>"
_VEHICLE = f"{_VEHICLES}/<uuid:resource_id>"

ROUTES: list[tuple[type[rest.Resource], list[str]]] = [
    (ResourceCollection, [_VEHICLES]),
    (ResourceItem, [_VEHICLE]),
    (AllocationCollection, [f"{_VEHICLE}/allocations"]),
    (AllocationsOfAll, [f"{_VEHICLES}/all/allocations"]),
    (AllocationsOfAny, [f"{_VEHICLES}/any/allocations"]),
    (
        AllocationItem,
        [
            f"{_VEHICLE}/allocations/<uuid:allocation_id>",
            f"{_VEHICLES}/all/allocations/<uuid:allocation_id>",
        ],
    ),
    (AvailabilityOfOne, [f"{_VEHICLE}/availability"]),
    (AvailabilityOfAll, [f"{_VEHICLES}/all/availability"]),
    (AllocationCalendar, [f"{_VEHICLE}/allocations.ics"]),
    (VehicleAvailability, [f"{_VEHICLES}/gbfs/vehicle_availability.json"]),
    (EventCollection, ["/api/events"]),
]


class Api(rest.Api):
    """Flask-RESTful, with every failure left to the one place that answers them.

    On its own it answers exceptions by itself, except under TESTING: tests would see another service than callers do.
    No operation ignores a query: one that is told to take none (``operations``) refuses it.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__(app, decorators=[_refuse_unread_query])

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Hand a failure back to Flask's own handlers."""
        return original_handler(e)


def register(app: Flask, collections: Mapping[str, str]) -> None:
    """Put the routes into ``app``; ``collections`` maps each name in the URL to its resource_type."""
    app.url_map.converters["collection"] = _converter(collections)
    app.url_map.converters["uuid"] = _LowerCaseUuid
    app.register_error_handler(errors.ConflictError, _answer_in_the_way)
    app.register_error_handler(errors.VersionMismatch, _answer_version_mismatch)
    api = Api(app)
    for resource, urls in ROUTES:
        api.add_resource(resource, *urls)


def _refuse_unread_query(view: Callable[..., Response]) -> Callable[..., Response]:
    @functools.wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Response:
        if request.query_string:
            method = "GET" if request.method == "HEAD" else request.method
            if OPERATIONS[str(request.endpoint), method].query is None:
                query_string.refuse()
        return view(*args, **kwargs)

    return checked


class _LowerCaseUuid(UUIDConverter):
    """An id as it is given out; in capitals it is none."""

    regex = identifiers.PATTERN


def _converter(collections: Mapping[str, str]) -> type[BaseConverter]:
    class Collection(BaseConverter):
        # Named one by one, so that whatever else is asked for, with whatever method, is not found.
        regex = "|".join(map(re.escape, collections))

        def to_python(self, value: str) -> str:
            return collections[value]

    return Collection


def _answer_in_the_way(error: errors.ConflictError) -> Response:
    return problems.problem_response(error, conflicts=schemas.conflicts.dump(error.conflicts))


def _answer_version_mismatch(error: errors.VersionMismatch) -> Response:
    answer = problems.problem_response(error)
    answer.headers["ETag"] = conditional.etag(error.version)
    return answer
