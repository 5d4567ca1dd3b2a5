"""The operations of the API: summary, input and failures of each. ``openapi`` builds its document from them."""

from typing import Any

from invsys.chassis.http import problems
from invsys.chassis.http.problems import Problem
from invsys.inventory import errors
from invsys.inventory.api.operation import Operation
from invsys.inventory.formats import gbfs
from invsys.inventory.schemas import change_list, inputs, outputs, utilisation
from invsys.inventory.schemas import queries as query_schemas
from invsys.inventory.schemas.table import TableQuery

_BODY_FAILURES = (
    problems.MalformedBody,
    problems.BodyTooLarge,
    problems.UnsupportedMediaType,
    problems.RequestTimeout,
    problems.SlowBodies,
)
# Failures that every operation on the database can have.
_DATABASE_FAILURES = (errors.Overloaded, errors.DatabaseUnavailable, problems.InternalError)
_COMMON_FAILURES = (problems.NotFound, problems.InvalidFields, *_DATABASE_FAILURES)
_FILES: dict[str, Any] = {
    "media_types": ("text/css", "text/javascript", "image/png", "image/svg+xml"),
    "fails_with": (problems.NotFound,),
}
_HTML = ("text/html",)
_STATE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _vehicles(summary: str, response: Any, *failures: type[Problem], **options: Any) -> Operation:
    return Operation(summary, response, fails_with=(*failures, *_COMMON_FAILURES), tag="vehicles", **options)


def _allocations(summary: str, response: Any, *failures: type[Problem], **options: Any) -> Operation:
    return Operation(summary, response, fails_with=(*failures, *_COMMON_FAILURES), tag="allocations", **options)


_CHANGE_FAILURES = (
    errors.AllocationNotFound,
    errors.Archived,
    errors.ResourceClosed,
    errors.PeriodTaken,
    errors.NoneAvailable,
    errors.HoldExpired,
    errors.VersionMismatch,
)
_LIST: dict[str, Any] = {"many": True, "headers": ("Link",)}
_COUNTED_LIST: dict[str, Any] = {"many": True, "headers": ("Link", "X-Total-Count")}
_CREATED: dict[str, Any] = {"status": 201, "headers": ("Location", "ETag", "Idempotency-Replayed"), "keyed": True}
_ITEM: dict[str, Any] = {"headers": ("ETag",), "conditional": "If-None-Match"}
_DELETED: dict[str, Any] = {"status": 204, "conditional": "If-Match"}
_UPDATED: dict[str, Any] = {"headers": ("ETag",), "conditional": "If-Match", "merge_patch": True}
_ALLOCATION_LIST: dict[str, Any] = {"owner_filter": True, "standby_with": ("from", "to"), **_COUNTED_LIST}

# In the order of the document.
TAGS = {
    "vehicles": "The vehicles of each collection, and how much of the fleet is allocated",
    "allocations": "The allocations of vehicles, and the periods in which vehicles are free",
    "changes": "The change feed",
    "operations": "For operators and browsers",
}

# By Flask's endpoint and the HTTP method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("resourcecollection", "GET"): _vehicles(
        "List the vehicles of a collection, by age or by name",
        outputs.Resource,
        query=query_schemas.ResourceQuery,
        standby_with=("available_from", "available_to"),
        **_COUNTED_LIST,
    ),
    ("resourcecollection", "POST"): _vehicles(
        "Register a vehicle",
        outputs.Resource,
        errors.NameTaken,
        errors.IdempotencyKeyReused,
        *_BODY_FAILURES,
        body=inputs.NewResource,
        **_CREATED,
    ),
    ("resourceitem", "GET"): _vehicles("Show a vehicle", outputs.Resource, errors.ResourceNotFound, **_ITEM),
    ("resourceitem", "PATCH"): _vehicles(
        "Change a vehicle's name or attributes; close or open it",
        outputs.Resource,
        errors.ResourceNotFound,
        errors.NameTaken,
        errors.VersionMismatch,
        *_BODY_FAILURES,
        body=inputs.ChangedResource,
        **_UPDATED,
    ),
    ("resourceitem", "DELETE"): _vehicles(
        "Decommission a vehicle",
        None,
        errors.ResourceNotFound,
        errors.ResourceInUse,
        errors.VersionMismatch,
        **_DELETED,
    ),
    ("allocationcollection", "GET"): _allocations(
        "List the allocations of a vehicle by start",
        outputs.Allocation,
        errors.ResourceNotFound,
        query=query_schemas.AllocationQuery,
        **_ALLOCATION_LIST,
    ),
    ("allocationcollection", "POST"): _allocations(
        "Allocate a vehicle",
        outputs.Allocation,
        errors.ResourceNotFound,
        errors.ResourceClosed,
        errors.PeriodTaken,
        errors.IdempotencyKeyReused,
        errors.TooManyHolds,
        *_BODY_FAILURES,
        body=inputs.NewAllocation,
        **_CREATED,
    ),
    ("allocationsofall", "GET"): _allocations(
        "List the allocations of all vehicles by start",
        outputs.Allocation,
        query=query_schemas.AllocationOfAllQuery,
        **_ALLOCATION_LIST,
    ),
    ("allocationsofany", "POST"): _allocations(
        "Allocate any vehicle, or several vehicles, free for the whole period",
        outputs.Allocation,
        errors.NoneAvailable,
        errors.IdempotencyKeyReused,
        errors.TooManyHolds,
        *_BODY_FAILURES,
        body=inputs.NewAllocationOfAny,
        one_or_many=True,
        **_CREATED,
    ),
    ("allocationchanges", "POST"): _allocations(
        "Change several allocations, all or none, judged by the result of all changes",
        outputs.Allocation,
        *_CHANGE_FAILURES,
        errors.IdempotencyKeyReused,
        *_BODY_FAILURES,
        body=change_list.ChangeList,
        merge_patch=True,
        many=True,
        headers=("Idempotency-Replayed",),
        keyed=True,
    ),
    ("allocationitem", "GET"): _allocations(
        "Show an allocation", outputs.Allocation, errors.AllocationNotFound, owner_filter=True, **_ITEM
    ),
    ("allocationitem", "PATCH"): _allocations(
        "Change an allocation; confirm or extend a hold",
        outputs.Allocation,
        *_CHANGE_FAILURES,
        *_BODY_FAILURES,
        body=inputs.ChangedAllocation,
        **_UPDATED,
    ),
    ("allocationitem", "DELETE"): _allocations(
        "Delete an allocation; its period is free again",
        None,
        errors.AllocationNotFound,
        errors.Archived,
        errors.VersionMismatch,
        **_DELETED,
    ),
    ("availabilityofone", "GET"): _allocations(
        "Show the free and busy periods of a vehicle",
        outputs.Availability,
        errors.ResourceNotFound,
        query=query_schemas.WindowQuery,
        standby_with=(),
    ),
    ("availabilityofall", "GET"): _allocations(
        "Show the free and busy periods of each vehicle",
        outputs.Availability,
        query=query_schemas.AvailabilityQuery,
        standby_with=(),
        **_LIST,
    ),
    ("fleetutilisation", "GET"): _vehicles(
        "Show how much of the fleet is allocated in each step of a window",
        utilisation.Utilisation,
        query=query_schemas.UtilisationQuery,
        standby_with=(),
    ),
    ("eventcollection", "GET"): Operation(
        "List the changes after a cursor that match the filters",
        {
            "type": "object",
            "properties": {
                "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                "next": {"type": "string"},
            },
            "required": ["events", "next"],
        },
        query=query_schemas.EventQuery,
        owner_filter=True,
        headers=("Link",),
        fails_with=(errors.CursorExpired, *_COMMON_FAILURES),
        tag="changes",
    ),
    ("allocationcalendar", "GET"): _allocations(
        "Show the allocations of a vehicle as iCalendar (RFC 5545); Accept is ignored",
        {"type": "string"},
        errors.ResourceNotFound,
        query=query_schemas.WindowQuery,
        media_types=("text/calendar",),
        owner_filter=True,
        standby_with=(),
        **_ITEM,
    ),
    ("vehicleavailability", "GET"): _vehicles(
        "Show the free periods of each vehicle as vehicle_availability.json of GBFS 3.1; Accept is ignored",
        gbfs.SCHEMA,
        media_types=("application/json",),
        standby_with=(),
    ),
    ("healthz", "GET"): Operation("Report that the process is alive", _STATE, any_host=True),
    ("readyz", "GET"): Operation(
        "Report whether the database can be used",
        _STATE,
        fails_with=_DATABASE_FAILURES,
        any_host=True,
    ),
    ("metrics", "GET"): Operation(
        "Show the metrics in the text format of Prometheus",
        {"type": "string"},
        media_types=("text/plain",),
        fails_with=(problems.AddressNotAllowed,),
        any_host=True,
    ),
    ("openapi", "GET"): Operation("Show this document", {"type": "object"}, media_types=("application/json",)),
    ("page.static", "GET"): Operation("Serve a static file of the fleet page", {"type": "string"}, **_FILES),
    ("page.show", "GET"): Operation("Show the fleet page", {"type": "string"}, media_types=_HTML),
    ("table.show", "GET"): Operation(
        "Show the vehicles and their allocations of some days as a list to print; invalid parameters are ignored",
        {"type": "string"},
        query=TableQuery,
        media_types=_HTML,
        owner_filter=True,
        fails_with=_DATABASE_FAILURES,
    ),
    ("swagger_ui.show", "GET"): Operation("Show this document in Swagger UI", {"type": "string"}, media_types=_HTML),
    ("swagger_ui.static", "GET"): Operation("Serve a static file of Swagger UI", {"type": "string"}, **_FILES),
    ("docs.problem_list", "GET"): Operation("List the problem codes", {"type": "string"}, media_types=_HTML),
    ("docs.problem", "GET"): Operation(
        "Explain a problem code", {"type": "string"}, media_types=_HTML, fails_with=(problems.NotFound,)
    ),
    ("docs.static", "GET"): Operation("Serve a static file of these pages", {"type": "string"}, **_FILES),
}
