"""What each operation of the API is for, what it takes, and how it can end; ``openapi`` makes the document from it."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from invsys.chassis import problems
from invsys.chassis.problems import Problem
from invsys.inventory import errors, schemas


@dataclass(frozen=True)
class Operation:
    """One operation: ``answer`` is a schema, or an example's JSON schema; None is an answer without a body."""

    summary: str
    answer: type[Schema] | dict[str, Any] | None
    status: int = 200
    many: bool = False
    headers: tuple[str, ...] = ()
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    conditional: str | None = None
    ends: tuple[type[Problem], ...] = ()
    media_types: tuple[str, ...] = ("application/json", "application/xml")
    tag: str = "operations"


_WITH_BODY = (
    problems.MalformedBody,
    problems.BodyTooLarge,
    problems.UnsupportedMediaType,
    problems.InvalidFields,
)
# How every operation on the data can end, whatever it is.
_ALWAYS = (problems.NotFound, errors.Busy, errors.DatabaseUnavailable, problems.InternalError)
_STATE = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _vehicles(summary: str, answer: Any, *ends: type[Problem], **more: Any) -> Operation:
    return Operation(summary, answer, ends=(*ends, *_ALWAYS), tag="vehicles", **more)


def _allocations(summary: str, answer: Any, *ends: type[Problem], **more: Any) -> Operation:
    return Operation(summary, answer, ends=(*ends, *_ALWAYS), tag="allocations", **more)


_LIST: dict[str, Any] = {"many": True, "headers": ("Link",)}
_MADE: dict[str, Any] = {"status": 201, "headers": ("Location", "ETag")}
_ITEM: dict[str, Any] = {"headers": ("ETag",), "conditional": "If-None-Match"}
_GONE: dict[str, Any] = {"status": 204, "conditional": "If-Match"}
_ALLOCATION_LIST: dict[str, Any] = {"query": schemas.AllocationQuery, **_LIST}

# Flask's endpoint and the method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("resourcecollection", "GET"): _vehicles(
        "List the vehicles in circulation, oldest first",
        schemas.Resource,
        problems.InvalidFields,
        query=schemas.ResourceQuery,
        **_LIST,
    ),
    ("resourcecollection", "POST"): _vehicles(
        "Register a vehicle", schemas.Resource, errors.NameTaken, *_WITH_BODY, body=schemas.NewResource, **_MADE
    ),
    ("resourceitem", "GET"): _vehicles("Show a vehicle", schemas.Resource, errors.ResourceNotFound, **_ITEM),
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
        problems.InvalidFields,
        **_ALLOCATION_LIST,
    ),
    ("allocationcollection", "POST"): _allocations(
        "Allocate a vehicle",
        schemas.Allocation,
        errors.ResourceNotFound,
        errors.PeriodTaken,
        *_WITH_BODY,
        body=schemas.NewAllocation,
        **_MADE,
    ),
    ("allocationsofall", "GET"): _allocations(
        "List the allocations of all vehicles by start",
        schemas.Allocation,
        problems.InvalidFields,
        **_ALLOCATION_LIST,
    ),
    ("allocationitem", "GET"): _allocations(
        "Show an allocation", schemas.Allocation, errors.AllocationNotFound, **_ITEM
    ),
    ("allocationitem", "DELETE"): _allocations(
        "Free the period again", None, errors.AllocationNotFound, errors.VersionMismatch, **_GONE
    ),
    ("healthz", "GET"): Operation("Say that the process answers", _STATE),
    ("readyz", "GET"): Operation(
        "Say whether the database can be used",
        _STATE,
        ends=(errors.Busy, errors.DatabaseUnavailable, problems.InternalError),
    ),
    ("metrics", "GET"): Operation("Give the figures for Prometheus", {"type": "string"}, media_types=("text/plain",)),
    ("openapi", "GET"): Operation("Give this document", {"type": "object"}, media_types=("application/json",)),
    ("fleet.static", "GET"): Operation(
        "Give a file of the page", {"type": "string"}, media_types=("text/css",), ends=(problems.NotFound,)
    ),
    ("page", "GET"): Operation(
        "Show the fleet to a person",
        {"type": "string"},
        media_types=("text/html",),
        ends=(errors.Busy, errors.DatabaseUnavailable, problems.InternalError),
    ),
}
