"""The options of the calls, as typed dictionaries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, TypedDict

from invsys_client.records import Attribute

Id = str | uuid.UUID
# An item's ``version`` or ``etag``, or ANY_VERSION.
Match = int | str
# The value of ``if_match`` that changes an item regardless of its version (RFC 9110, section 13.1.1).
ANY_VERSION = "*"
# The ``resource_id`` that moves an allocation to any other vehicle that is free.
ANY_VEHICLE = "any"


class CallOptions(TypedDict, total=False):
    """Optional arguments of every call; None is the value of the client."""

    # seconds of each step of an attempt: connect, send, wait for the response
    timeout: float | None
    # seconds from the start of the first attempt, after which no attempt starts and none continues
    deadline: float | None
    # further headers of the requests, such as traceparent
    headers: Mapping[str, str] | None


class AllocationOptions(CallOptions, total=False):
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


class ResourceFilters(CallOptions, total=False):
    """Optional arguments of the lists of vehicles; a filter that is None is not applied."""

    name: str | None
    # the first characters of the name; case-sensitive
    name_prefix: str | None
    # only vehicles that are free for this whole period
    available_from: datetime | None
    available_to: datetime | None
    attributes: Mapping[str, Attribute] | None


class AllocationFilters(CallOptions, total=False):
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


class EventFilters(CallOptions, total=False):
    """Filters of the change feed; a filter that is None is not applied.

    An event must have one of the values of each filter. A filter has up to 100 values.
    """

    # for example "allocated"; ``Event`` lists all kinds
    kind: str | Iterable[str] | None
    # for example "Lorry"
    resource_type: str | Iterable[str] | None
    resource_id: Id | Iterable[Id] | None
    allocation_id: Id | Iterable[Id] | None


class ResourceChanges(CallOptions, total=False):
    """The changeable fields of a vehicle; omitted fields keep their values."""

    name: str
    # replaces all attributes: omitted ones are removed
    attributes: Mapping[str, Attribute]
    # no new allocation can cover time from then on; None opens the vehicle again
    closed_from: datetime | None


class ChangedFields(TypedDict, total=False):
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


class AllocationChanges(ChangedFields, CallOptions, total=False):
    """The arguments of ``Collection.update``: the changeable fields of an allocation, and the options of the call."""


class _Identified(TypedDict):
    id: Id


class ListedChange(_Identified, ChangedFields, total=False):
    """One of the changes of ``Collection.update_several``: the id of an allocation, and its changed fields."""

    # the version that the allocation must still have
    version: int
