"""Request bodies and query parameters: the arguments of the calls in the form of the API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from invsys_client import arguments
from invsys_client.options import ANY_VEHICLE, Id, ListedChange

_MAX_NAME, _MAX_TYPE, _MAX_DESCRIPTION, _MAX_REFERENCE = 36, 20, 100, 128
MAX_HOLD, MAX_CHANGES, MAX_PAGE = 86_400, 100, 1000
_MAX_VERSION = 2**63 - 1


def resource_body(name: str, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body that registers a vehicle."""
    return {
        "name": arguments.name("name", name, _MAX_NAME),
        "attributes": arguments.attributes("attributes", attributes or {}),
    }


def resource_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body for ``ResourceChanges``."""
    body = dict(changes)
    if "name" in body:
        arguments.name("name", body["name"], _MAX_NAME)
    if "attributes" in body:
        body["attributes"] = arguments.attributes("attributes", body["attributes"])
    if body.get("closed_from") is not None:
        body["closed_from"] = arguments.instant("closed_from", body["closed_from"])
    return body


def allocation_body(start: datetime | None, end: datetime | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that creates allocations, for the options without ``key``."""
    period = {**_bound("", "start", "from", start), **_bound("", "end", "to", end)}
    arguments.require_order("end", start, end)
    return {**period, **_fields("", options)}


def allocation_changes(changes: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the body for ``ChangedFields``, or a change of a list; ``path`` comes before the names in messages."""
    body = _fields(path, changes)
    if "resource_id" in body and body["resource_id"] != ANY_VEHICLE:
        body["resource_id"] = arguments.identifier(f"{path}resource_id", body["resource_id"])
    if "attributes" in body and body.get("resource_id") != ANY_VEHICLE:
        raise ValueError(f"{path}attributes: only with the resource_id ANY_VEHICLE")
    if "status" in body:
        arguments.one_of(f"{path}status", body["status"], "confirmed")
        if "hold_seconds" in body:
            raise ValueError(f"{path}hold_seconds: a hold can be confirmed or extended, not both")
    for name, side in (("start", "from"), ("end", "to")):
        if name in body:
            body |= _bound(path, name, side, body.pop(name))
    arguments.require_order(f"{path}end", changes.get("start"), changes.get("end"))
    return body


def change_list(changes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the body that changes several allocations."""
    listed = [_listed_change(change, f"changes[{index}].") for index, change in enumerate(changes)]
    if not 1 <= len(listed) <= MAX_CHANGES:
        raise ValueError(f"changes: {len(listed)} changes, 1 to {MAX_CHANGES} are possible")
    if len({change["id"] for change in listed}) < len(listed):
        raise ValueError("changes: each allocation can be changed only once")
    return {"changes": listed}


def _listed_change(change: Mapping[str, Any], path: str) -> dict[str, Any]:
    if unknown := sorted(change.keys() - ListedChange.__annotations__.keys()):
        raise TypeError(f"{path}{unknown[0]}: an allocation has no such field to change")
    if "version" in change:
        arguments.whole_number(f"{path}version", change["version"], 1, _MAX_VERSION)
    return {**allocation_changes(change, path), "id": arguments.identifier(f"{path}id", change.get("id"))}


def _fields(path: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the fields that creating and changing have in common; return all options."""
    fields = dict(options)
    if "allocation_type" in fields:
        arguments.text(f"{path}allocation_type", fields["allocation_type"], _MAX_TYPE)
    if fields.get("description") is not None:
        arguments.text(f"{path}description", fields["description"], _MAX_DESCRIPTION, least=0)
    if fields.get("reference") is not None:
        arguments.name(f"{path}reference", fields["reference"], _MAX_REFERENCE)
    if "hold_seconds" in fields:
        arguments.whole_number(f"{path}hold_seconds", fields["hold_seconds"], 1, MAX_HOLD)
    if "dump" in fields:
        fields["dump"] = arguments.json_object(f"{path}dump", fields["dump"])
    if "attributes" in fields:
        fields["attributes"] = arguments.attributes(f"{path}attributes", fields["attributes"])
    return fields


def _bound(path: str, argument: str, side: str, bound: datetime | None) -> dict[str, Any]:
    """Return the field for one bound of a period; ``side`` is ``from`` or ``to``. A bound that is None is infinite."""
    if bound is None:
        return {f"{side}_infinity": True}
    return {f"{side}_datetime": arguments.instant(f"{path}{argument}", bound)}


def window_params(
    start: datetime | None, end: datetime | None, names: tuple[str, str] = ("start", "end")
) -> dict[str, Any]:
    """Return the query parameters for a window; a bound that is None is infinite."""
    encoded = [
        None if bound is None else arguments.instant(name, bound)
        for name, bound in zip(names, (start, end), strict=True)
    ]
    arguments.require_order(names[1], start, end)
    params = names if names[0].startswith("available") else ("from", "to")
    return dict(zip(params, encoded, strict=True))


def resource_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters for ``ResourceFilters``."""
    window = ("available_from", "available_to")
    name, name_prefix = filters.get("name"), filters.get("name_prefix")
    return {
        "name": None if name is None else arguments.name("name", name, _MAX_NAME),
        "name_prefix": None if name_prefix is None else arguments.prefix("name_prefix", name_prefix, _MAX_NAME),
        **window_params(filters.get(window[0]), filters.get(window[1]), window),
        **_attribute_params(arguments.attributes("attributes", filters.get("attributes") or {})),
    }


def _attribute_params(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the query parameters that filter by attributes; values other than strings are encoded as JSON."""
    return {
        f"attribute.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()
    }


def allocation_params(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters for ``AllocationFilters``."""
    kind, status, reference = (filters.get(name) for name in ("allocation_type", "status", "reference"))
    return {
        **ids_param(filters.get("resource_ids")),
        **window_params(filters.get("start"), filters.get("end")),
        "allocation_type": None if kind is None else arguments.text("allocation_type", kind, _MAX_TYPE),
        "status": None if status is None else arguments.one_of("status", status, "confirmed", "held"),
        "reference": None if reference is None else arguments.name("reference", reference, _MAX_REFERENCE),
    }


def order_param(order: str | None, *values: str) -> dict[str, str | None]:
    """Return the query parameter for the order of a list."""
    return {"order": None if order is None else arguments.one_of("order", order, *values)}


def page_param(argument: str, size: int) -> dict[str, int]:
    """Return the query parameter for the number of items of a page."""
    return {"limit": arguments.whole_number(argument, size, 1, MAX_PAGE)}


def ids_param(resource_ids: Iterable[Id] | None) -> dict[str, list[str] | None]:
    """Return the query parameter for several vehicles."""
    return {"resource_id": None if resource_ids is None else arguments.identifiers("resource_ids", resource_ids)}


def event_params(filters: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the query parameters for ``EventFilters``.

    A filter without values is refused: no event would match it, but the query would be the same as without the filter.
    """
    params = {name: _values(name, value) for name, value in filters.items() if value is not None}
    if empty := [name for name, values in params.items() if not values]:
        raise ValueError(f"{empty[0]}: a filter needs a value; None does not filter")
    return params


def _values(name: str, value: Any) -> list[str]:
    values: list[Any] = [value] if isinstance(value, (str, uuid.UUID)) else list(value)
    if name.endswith("_id"):
        return arguments.identifiers(name, values)
    return arguments.at_most(name, [arguments.text(name, one, _MAX_REFERENCE) for one in values])
