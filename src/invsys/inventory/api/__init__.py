"""The HTTP interface: the route table, and the responses to failures.

Each method of a class in the table loads the request through a schema, calls a command or queries, and serialises the
result through a schema.
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
from invsys.inventory import errors
from invsys.inventory.api import standby_reads
from invsys.inventory.api.allocations import (
    AllocationChanges,
    AllocationCollection,
    AllocationItem,
    AllocationsOfAll,
    AllocationsOfAny,
)
from invsys.inventory.api.availability import AvailabilityOfAll, AvailabilityOfOne
from invsys.inventory.api.events import EventCollection
from invsys.inventory.api.exports import AllocationCalendar, VehicleAvailability
from invsys.inventory.api.operations import OPERATIONS
from invsys.inventory.api.resources import ResourceCollection, ResourceItem
from invsys.inventory.api.utilisation import FleetUtilisation
from invsys.inventory.db.standbys import reads
from invsys.inventory.schemas import outputs

_VEHICLES = "/api/<collection:collection>"
_VEHICLE = f"{_VEHICLES}/<uuid:resource_id>"
_ALLOCATION = "<uuid:allocation_id>"

# The routes of the data. application.build_app adds health, metrics, the OpenAPI document, /docs and the page.
ROUTES: list[tuple[type[rest.Resource], list[str]]] = [
    (ResourceCollection, [_VEHICLES]),
    (ResourceItem, [_VEHICLE]),
    (AllocationCollection, [f"{_VEHICLE}/allocations"]),
    (AllocationItem, [f"{_VEHICLE}/allocations/{_ALLOCATION}", f"{_VEHICLES}/all/allocations/{_ALLOCATION}"]),
    (AllocationsOfAll, [f"{_VEHICLES}/all/allocations"]),
    (AllocationChanges, [f"{_VEHICLES}/all/allocations/changes"]),
    (AllocationsOfAny, [f"{_VEHICLES}/any/allocations"]),
    (AvailabilityOfOne, [f"{_VEHICLE}/availability"]),
    (AvailabilityOfAll, [f"{_VEHICLES}/all/availability"]),
    (FleetUtilisation, [f"{_VEHICLES}/utilisation"]),
    (AllocationCalendar, [f"{_VEHICLE}/allocations.ics"]),
    (VehicleAvailability, [f"{_VEHICLES}/gbfs/vehicle_availability.json"]),
    (EventCollection, ["/api/events"]),
]


class Api(rest.Api):
    """Flask-RESTful's Api, which leaves exceptions to Flask's error handlers.

    Flask-RESTful's own handling would give other responses in tests (``TESTING`` on) than in production.
    This class also rejects a query string if the operation has no query parameters (``Operation.query``).
    """

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            standbys = reads.of_app()
        # The last one is called first.
        decorators = [_prepare_call, *([] if standbys is None else [standby_reads.allow(standbys)])]
        super().__init__(app, decorators=decorators)

    def error_router(self, original_handler: Callable[[Exception], Any], e: Exception) -> Any:
        """Pass the exception to Flask's error handlers."""
        return original_handler(e)


def register(app: Flask, collections: Mapping[str, str]) -> None:
    """Add the routes to ``app``; ``collections`` maps the name in the URL to the resource_type."""
    app.url_map.converters["collection"] = _converter(collections)
    app.url_map.converters["uuid"] = _LowerCaseUuid
    app.register_error_handler(errors.ConflictError, _conflict_response)
    app.register_error_handler(errors.VersionMismatch, _version_mismatch_response)
    api = Api(app)
    for resource, urls in ROUTES:
        api.add_resource(resource, *urls)


def _prepare_call(view: Callable[..., Response]) -> Callable[..., Response]:
    """Refuse query parameters that the operation does not have, and pass the collection as ``resource_type``."""

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        # The variable in the URL is a collection; its converter returns the resource_type.
        if "collection" in kwargs:
            kwargs["resource_type"] = kwargs.pop("collection")
        if request.query_string:
            method = "GET" if request.method == "HEAD" else request.method
            if OPERATIONS[str(request.endpoint), method].query is None:
                query_string.refuse()
        return view(*args, **kwargs)

    return wrapper


class _LowerCaseUuid(UUIDConverter):
    """The URL converter for ids: UUIDs in lower case, the only form that the service writes."""

    regex = identifiers.PATTERN


def _converter(collections: Mapping[str, str]) -> type[BaseConverter]:
    class Collection(BaseConverter):
        # The pattern contains the names, so that any other collection is 404 with every method.
        regex = "|".join(map(re.escape, collections))

        def to_python(self, value: str) -> str:
            return collections[value]

    return Collection


def _conflict_response(error: errors.ConflictError) -> Response:
    return problems.problem_response(error, conflicts=outputs.conflicts.dump(error.conflicts))


def _version_mismatch_response(error: errors.VersionMismatch) -> Response:
    response = problems.problem_response(error)
    # In a change list, the version is a member instead: the URL of the request is not that of the allocation.
    if "version" not in error.members:
        response.headers["ETag"] = conditional.etag(error.version)
    return response
