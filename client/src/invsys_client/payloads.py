"""Request bodies and query parameters: the options of the calls, and their form in the API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, TypedDict

from invsys_client.records import Attribute, format_etag

Id = str | uuid.UUID
# An item's ``version`` or ``etag``, or ANY_VERSION.
Match = int | str
# The value of ``if_match`` that changes an item regardless of its version (RFC 9110, section 13.1.1).
ANY_VERSION = "*"
# The ``resource_id`` that moves an allocation to any other vehicle that is free.
ANY_VEHICLE = "any"


class AllocationOptions(TypedDict, total=False):
    """Optional arguments of the calls that create allocations."""

    # 1 to 20 characters; the default is "booking"
    allocation_type: str
    # up to 100 characters
    description: str | None
    # 1 to 128 characters: the caller's own order number, by which ``Collection.allocations`` can filter
    reference: str | None
    # any JSON object of at most 16 KiB
    dump: Mapping[str, Any]
    # 1 to 86,400; creates a hold that expires after this time unless it is confirmed
    hold_seconds: int
    # Idempotency-Key, 1 to 255 visible ASCII characters; by default, the client generates one
    key: str | None


class ResourceFilters(TypedDict, total=False):
    """Optional arguments of the lists of vehicles; a filter that is None is not applied."""

    name: str | None
    # the first characters of the name; case-sensitive
    name_prefix: str | None
    # only vehicles that are free for this whole period
    available_from: datetime | None
    available_to: datetime | None
    attributes: Mapping[str, Attribute] | None


class AllocationFilters(TypedDict, total=False):
    """Optional arguments of the lists of allocations; a filter that is None is not applied."""

    # only allocations of these vehicles (up to 100), in the list without ``resource_id``
    resource_ids: Iterable[Id] | None
    # only allocations that overlap this window
    start: datetime | None
    end: datetime | None
    allocation_type: str | None
    # "confirmed" or "held"; expired holds are never listed
    status: str | None
    reference: str | None


class EventFilters(TypedDict, total=False):
    """Filters of the change feed; a filter that is None is not applied.

    An event must have one of the values of each filter. A filter has up to 100 values.
    """

    # for example "allocated"; ``Event`` lists all kinds
    kind: str | Iterable[str] | None
    # for example "Lorry"
    resource_type: str | Iterable[str] | None
    resource_id: Id | Iterable[Id] | None
    allocation_id: Id | Iterable[Id] | None


class ResourceChanges(TypedDict, total=False):
    """The changeable fields of a vehicle; omitted fields keep their values."""

    name: str
    # replaces all attributes: omitted ones are removed
    attributes: Mapping[str, Attribute]
    # no new allocation can cover time from then on; None opens the vehicle again
    closed_from: datetime | None


class AllocationChanges(TypedDict, total=False):
    """The changeable fields of an allocation; omitted fields keep their values. A bound that is None is infinite."""

    start: datetime | None
    end: datetime | None
    # the id of the new vehicle, or ANY_VEHICLE
    resource_id: Id
    # with ANY_VEHICLE: attributes that the new vehicle must have
    attributes: Mapping[str, Attribute]
    allocation_type: str
    description: str | None
    reference: str | None
    dump: Mapping[str, Any]
    # for holds: the hold expires this many seconds from now
    hold_seconds: int
    # for holds; not together with hold_seconds
    status: Literal["confirmed"]


class _Identified(TypedDict):
    id: Id


class ListedChange(_Identified, AllocationChanges, total=False):
    """One of the changes of ``Collection.update_several``: the id of an allocation, and its changed fields."""

    # the version that the allocation must still have
    version: int


def format_datetime(value: datetime) -> str:
    """Return a datetime in UTC as ISO 8601; raises ValueError for a naive datetime, which would be ambiguous."""
    if value.utcoffset() is None:
        raise ValueError(f"{value!r} has no UTC offset: use an aware datetime, for example with tzinfo=UTC")
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def format_duration(value: timedelta) -> str:
    """Return a duration as ISO 8601; raises ValueError unless it is a positive number of whole seconds."""
    if value <= timedelta() or value.microseconds:
        raise ValueError(f"{value!r} is not a positive number of whole seconds")
    return f"P{value.days}DT{value.seconds}S"


def bound_fields(name: str, bound: datetime | None) -> dict[str, Any]:
    """Return the field for one bound of a period; ``name`` is ``from`` or ``to``. A bound that is None is infinite."""
    return {f"{name}_infinity": True} if bound is None else {f"{name}_datetime": format_datetime(bound)}


def period_fields(start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Return the fields for a period."""
    return {**bound_fields("from", start), **bound_fields("to", end)}


def format_uuid(value: Id) -> str:
    """Return an id as text; raises ValueError if it is not a UUID.

    Other texts, such as ``all`` and ``any``, would have another meaning in a URL.
    """
    return str(uuid.UUID(str(value)))


def if_match_header(match: Match) -> dict[str, str]:
    """Return the header for ``if_match``; raises ValueError if it is neither a version nor an ETag, for example None.

    Ignoring None would silently skip the check that the caller wanted.
    """
    if type(match) is int:
        return {"If-Match": format_etag(match)}
    if not isinstance(match, str) or not match:
        raise ValueError(f"if_match={match!r} is neither a version nor an ETag; ANY_VERSION means: do not check")
    return {} if match == ANY_VERSION else {"If-Match": match}


def attribute_params(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    """Return the query parameters that filter by attributes; values other than strings are encoded as JSON."""
    return {
        f"attribute.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()
    }


def window_params(
    start: datetime | None, end: datetime | None, names: tuple[str, str] = ("from", "to")
) -> dict[str, Any]:
    """Return the query parameters for a window; a bound that is None is infinite."""
    bounds = zip(names, (start, end), strict=True)
    return {name: None if bound is None else format_datetime(bound) for name, bound in bounds}


def resource_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body for ``ResourceChanges``; raises ValueError for a naive datetime."""
    body = dict(changes)
    if body.get("closed_from") is not None:
        body["closed_from"] = format_datetime(body["closed_from"])
    return body


def resource_params(filters: ResourceFilters) -> dict[str, Any]:
    """Return the query parameters for ``ResourceFilters``; raises TypeError for any other argument."""
    _require_known(filters, ResourceFilters)
    names = ("available_from", "available_to")
    return {
        "name": filters.get("name"),
        "name_prefix": filters.get("name_prefix"),
        **window_params(filters.get("available_from"), filters.get("available_to"), names),
        **attribute_params(filters.get("attributes") or {}),
    }


def allocation_params(filters: AllocationFilters) -> dict[str, Any]:
    """Return the query parameters for ``AllocationFilters``; raises TypeError for any other argument."""
    _require_known(filters, AllocationFilters)
    return {
        **ids_param(filters.get("resource_ids")),
        **window_params(filters.get("start"), filters.get("end")),
        **{name: filters.get(name) for name in ("allocation_type", "status", "reference")},
    }


def event_params(filters: EventFilters) -> dict[str, list[str]]:
    """Return the query parameters for ``EventFilters``.

    Raises TypeError for any other argument, and ValueError for an id that is not a UUID or a filter without values: no
    event would match it, but the query would be the same as without the filter.
    """
    _require_known(filters, EventFilters)
    params = {name: _values(name, value) for name, value in filters.items() if value is not None}
    if empty := [name for name, values in params.items() if not values]:
        raise ValueError(f"{', '.join(empty)}: a filter needs a value; None does not filter")
    return params


def _values(name: str, value: Any) -> list[str]:
    values: list[Any] = [value] if isinstance(value, str | uuid.UUID) else list(value)
    return [format_uuid(one) for one in values] if name.endswith("_id") else values


def _require_known(filters: Mapping[str, Any], known: type[Any]) -> None:
    # Ignoring a misspelt filter would list too much.
    if unknown := filters.keys() - known.__annotations__.keys():
        raise TypeError(f"unexpected arguments: {', '.join(sorted(unknown))}")


def ids_param(resource_ids: Iterable[Id] | None) -> dict[str, list[str] | None]:
    """Return the query parameter for several vehicles; raises ValueError for an id that is not a UUID."""
    return {"resource_id": None if resource_ids is None else [format_uuid(vehicle) for vehicle in resource_ids]}


def allocation_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body for ``AllocationChanges`` or ``ListedChange``.

    Raises ValueError for an id that is not a UUID.
    """
    body = dict(changes)
    for name in ("id", "resource_id"):
        if name in body and (name, body[name]) != ("resource_id", ANY_VEHICLE):
            body[name] = format_uuid(body[name])
    for option, name in (("start", "from"), ("end", "to")):
        if option in body:
            body |= bound_fields(name, body.pop(option))
    return body
