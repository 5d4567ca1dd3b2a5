"""What each operation of the API is for, what it takes, and how it can end; ``openapi`` makes the document from it."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from invsys.chassis.http import problems
from invsys.chassis.http.problems import Problem
from invsys.inventory import errors, schemas
from invsys.inventory.formats import gbfs


@dataclass(frozen=True)
class Operation:
    """One operation: ``answer`` is a schema, or a JSON schema; None is an answer without a body.

    ``headers`` are those that a success adds, ``conditional`` the header that makes it one of RFC 9110's conditional
    requests, ``keyed`` says that it takes an Idempotency-Key, ``shows_own`` that a client may be shown its own only,
    ``ends`` are the ways in which it can fail, in addition to those of every operation, ``any_host`` says that it
    accepts any ``Host``.
    """

    summary: str
    answer: type[Schema] | dict[str, Any] | None
    status: int = 200
    # An array of them.
    many: bool = False
    # An item, or an array of them, as the body asks for.
    one_or_many: bool = False
    headers: tuple[str, ...] = ()
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    conditional: str | None = None
    keyed: bool = False
    shows_own: bool = False
    ends: tuple[type[Problem], ...] = ()
    any_host: bool = False
    media_types: tuple[str, ...] = ("application/json", "application/xml")
    tag: str = "operations"

    @property
    def takes_patches(self) -> bool:
        """Whether it is a PATCH: the only kind of operation with a body and If-Match."""
        return self.body is not None and self.conditional == "If-Match"

    @property
    def failures(self) -> tuple[type[Problem], ...]:
        """Every way in which it can fail."""
        return self.ends if self.any_host else (*self.ends, problems.MisdirectedRequest)


_WITH_BODY = (
    problems.MalformedBody,
    problems.BodyTooLarge,
    problems.UnsupportedMediaType,
    problems.RequestTimeout,
    problems.SlowBodies,
)
# How every operation on the data can end, whatever it is.
_FAULTS = (errors.Overloaded, errors.DatabaseUnavailable, problems.InternalError)
_ALWAYS = (problems.NotFound, problems.InvalidFields, *_FAULTS)
_FILES: dict[str, Any] = {"media_types": ("text/css", "text/javascript", "image/png"), "ends": (problems.NotFound,)}
_HTML = ("text/html",)
_STATE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _vehicles(summary: str, answer: Any, *ends: type[Problem], **more: Any) -> Operation:
    return Operation(summary, answer, ends=(*ends, *_ALWAYS), tag="vehicles", **more)


def _allocations(summary: str, answer: Any, *ends: type[Problem], **more: Any) -> Operation:
    return Operation(summary, answer, ends=(*ends, *_ALWAYS), tag="allocations", **more)


_LIST: dict[str, Any] = {"many": True, "headers": ("Link",)}
_MADE: dict[str, Any] = {"status": 201, "headers": ("Location", "ETag", "Idempotency-Replayed"), "keyed": True}
_ITEM: dict[str, Any] = {"headers": ("ETag",), "conditional": "If-None-Match"}
_GONE: dict[str, Any] = {"status": 204, "conditional": "If-Match"}
_CHANGED: dict[str, Any] = {"headers": ("ETag",), "conditional": "If-Match"}
_ALLOCATION_LIST: dict[str, Any] = {"query": schemas.AllocationQuery, "shows_own": True, **_LIST}

# In the order in which they are shown.
TAGS = ("vehicles", "allocations", "changes", "operations")

# Flask's endpoint and the method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("resourcecollection", "GET"): _vehicles(
        "List the vehicles in circulation, oldest first",
        schemas.Resource,
        query=schemas.ResourceQuery,
        **_LIST,
    ),
    ("resourcecollection", "POST"): _vehicles(
        "Register a vehicle",
        schemas.Resource,
        errors.NameTaken,
        errors.IdempotencyKeyReused,
        *_WITH_BODY,
        body=schemas.NewResource,
        **_MADE,
    ),
    ("resourceitem", "GET"): _vehicles("Show a vehicle", schemas.Resource, errors.ResourceNotFound, **_ITEM),
    ("resourceitem", "PATCH"): _vehicles(
        "Change a vehicle's name or attributes",
        schemas.Resource,
        errors.ResourceNotFound,
        errors.NameTaken,
        errors.VersionMismatch,
        *_WITH_BODY,
        body=schemas.ChangedResource,
        **_CHANGED,
    ),
    ("resourceitem", "DELETE"): _vehicles(
        "Decommission a vehicle",
        None,
        errors.ResourceNotFound,
        errors.ResourceInUse,
        errors.VersionMismatch,
        **_GONE,
    ),
    ("allocationcollection", "GET"): _allocations(
        "List the allocations of a vehicle by start",
        schemas.Allocation,
        errors.ResourceNotFound,
        **_ALLOCATION_LIST,
    ),
    ("allocationcollection", "POST"): _allocations(
        "Allocate a vehicle",
        schemas.Allocation,
        errors.ResourceNotFound,
        errors.PeriodTaken,
        errors.IdempotencyKeyReused,
        errors.TooManyHolds,
        *_WITH_BODY,
        body=schemas.NewAllocation,
        **_MADE,
    ),
    ("allocationsofall", "GET"): _allocations(
        "List the allocations of all vehicles by start",
        schemas.Allocation,
        **_ALLOCATION_LIST,
    ),
    ("allocationsofany", "POST"): _allocations(
        "Allocate whichever vehicle is free for the whole period, or as many as are wanted",
        schemas.Allocation,
        errors.NoneAvailable,
        errors.IdempotencyKeyReused,
        errors.TooManyHolds,
        *_WITH_BODY,
        body=schemas.NewAllocationOfAny,
        one_or_many=True,
        **_MADE,
    ),
    ("allocationitem", "GET"): _allocations(
        "Show an allocation", schemas.Allocation, errors.AllocationNotFound, shows_own=True, **_ITEM
    ),
    ("allocationitem", "PATCH"): _allocations(
        "Change an allocation, confirm or extend a hold",
        schemas.Allocation,
        errors.AllocationNotFound,
        errors.PeriodTaken,
        errors.HoldExpired,
        errors.VersionMismatch,
        *_WITH_BODY,
        body=schemas.ChangedAllocation,
        **_CHANGED,
    ),
    ("allocationitem", "DELETE"): _allocations(
        "Free the period again",
        None,
        errors.AllocationNotFound,
        errors.VersionMismatch,
        **_GONE,
    ),
    ("availabilityofone", "GET"): _allocations(
        "Tell when a vehicle is free",
        schemas.Availability,
        errors.ResourceNotFound,
        query=schemas.WindowQuery,
    ),
    ("availabilityofall", "GET"): _allocations(
        "Tell when each vehicle is free",
        schemas.Availability,
        query=schemas.AvailabilityQuery,
        **_LIST,
    ),
    ("eventcollection", "GET"): Operation(
        "List every change after a cursor",
        {
            "type": "object",
            "properties": {
                "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                "next": {"type": "string"},
            },
            "required": ["events", "next"],
        },
        query=schemas.EventQuery,
        ends=(errors.CursorExpired, *_ALWAYS),
        tag="changes",
    ),
    ("allocationcalendar", "GET"): _allocations(
        "Give the allocations of a vehicle as iCalendar (RFC 5545), whatever Accept says",
        {"type": "string"},
        errors.ResourceNotFound,
        query=schemas.WindowQuery,
        media_types=("text/calendar",),
        shows_own=True,
        **_ITEM,
    ),
    ("vehicleavailability", "GET"): _vehicles(
        "Say when each vehicle is free, as GBFS 3.1's vehicle_availability.json, whatever Accept says",
        gbfs.SCHEMA,
        media_types=("application/json",),
    ),
    ("healthz", "GET"): Operation("Say that the process answers", _STATE, any_host=True),
    ("readyz", "GET"): Operation(
        "Say whether the database can be used",
        _STATE,
        ends=_FAULTS,
        any_host=True,
    ),
    ("metrics", "GET"): Operation(
        "Give the figures for Prometheus",
        {"type": "string"},
        media_types=("text/plain",),
        ends=(problems.AddressNotAllowed,),
        any_host=True,
    ),
    ("openapi", "GET"): Operation("Give this document", {"type": "object"}, media_types=("application/json",)),
    ("page.static", "GET"): Operation("Give a file of the page", {"type": "string"}, **_FILES),
    ("page.show", "GET"): Operation(
        "Show the fleet to a person",
        {"type": "string"},
        query=schemas.FleetQuery,
        media_types=_HTML,
        shows_own=True,
        ends=(problems.InvalidFields, *_FAULTS),
    ),
    ("swagger_ui.show", "GET"): Operation("Show this document to a person", {"type": "string"}, media_types=_HTML),
    ("swagger_ui.static", "GET"): Operation("Give a file of Swagger UI", {"type": "string"}, **_FILES),
    ("docs.problem_list", "GET"): Operation("List the problem codes", {"type": "string"}, media_types=_HTML),
    ("docs.problem", "GET"): Operation(
        "Explain a problem code", {"type": "string"}, media_types=_HTML, ends=(problems.NotFound,)
    ),
    ("docs.static", "GET"): Operation("Give a file of these pages", {"type": "string"}, **_FILES),
}
