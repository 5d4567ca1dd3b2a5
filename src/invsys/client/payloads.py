"""What callers ask for, and how it is written to be sent."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

from invsys.client.records import Attribute

Id = str | uuid.UUID


class Order(TypedDict, total=False):
    """What an order may say beside its period."""

    # 1 to 20 characters; the service takes "booking" for it
    allocation_type: str
    # up to 100 characters
    description: str | None
    # what JSON can hold, at most 16 KiB
    dump: Mapping[str, Any]
    # 1 to 86,400: held for so long, to be confirmed
    hold_seconds: int
    # 1 to 255 visible ASCII characters, made by the client where there is none
    key: str | None


class VehicleChanges(TypedDict, total=False):
    """What can be changed of a vehicle; what is not named stays."""

    name: str
    # all of them: a key that is left out is gone
    attributes: Mapping[str, Attribute]


class Changes(TypedDict, total=False):
    """What can be changed of an allocation; what is not named stays. None is infinite for ``start`` and ``end``."""

    start: datetime | None
    end: datetime | None
    resource_id: Id
    allocation_type: str
    description: str | None
    dump: Mapping[str, Any]
    # from now, of one that is held
    hold_seconds: int
    # of one that is held; not together with hold_seconds
    status: Literal["confirmed"]


def instant(value: datetime) -> str:
    """Write an instant; ValueError where it has no offset, and could be any of 24 hours."""
    if value.utcoffset() is None:
        raise ValueError(f"{value!r} has no offset: give a datetime with a tzinfo, such as UTC")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def side(name: str, bound: datetime | None) -> dict[str, Any]:
    """Write one side of a period, ``from`` or ``to``; None is infinite."""
    return {f"{name}_infinity": True} if bound is None else {f"{name}_datetime": instant(bound)}


def period(start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Write a period."""
    return {**side("from", start), **side("to", end)}


def identifier(value: Id) -> str:
    """Write an id; ValueError where it is no UUID, since ``all`` and ``any`` mean something else in its place."""
    return str(uuid.UUID(str(value)))


def attribute_filter(attributes: Mapping[str, Attribute]) -> dict[str, str]:
    """Write the query that asks for these values, ``4`` and ``true``; the service compares numbers by their value."""
    return {
        f"attribute.{key}": value if isinstance(value, str) else json.dumps(value) for key, value in attributes.items()
    }


def window(start: datetime | None, end: datetime | None, names: tuple[str, str] = ("from", "to")) -> dict[str, Any]:
    """Write the query for a window, under these names; None has no bound on that side."""
    return {name: None if bound is None else instant(bound) for name, bound in zip(names, (start, end), strict=True)}


def changes_of_allocation(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``Changes``; ValueError for an id that is none."""
    body = dict(changes)
    if "resource_id" in body:
        body["resource_id"] = identifier(body["resource_id"])
    for bound, name in (("start", "from"), ("end", "to")):
        if bound in body:
            body |= side(name, body.pop(bound))
    return body
