"""Events of the change feed, one class for each kind, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from invsys_client.records import Allocation, Resource, parse_instant

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Event:
    """A change; ``data`` is the document of the vehicle or allocation after the change, or its last one.

    Each ``kind`` has a subclass, such as ``Allocated``. An event of a kind that a later version of the service adds is
    an ``Event`` itself. ``resource`` and ``allocation`` parse ``data``. ``client_id`` is the client that made the
    change. ``request_id`` is the ``X-Request-Id`` of the request that made it, or None if no request made it, for
    example for a hold that expired.
    """

    id: str
    at: datetime
    kind: str
    resource_type: str
    resource_id: str
    allocation_id: str | None
    client_id: str | None
    request_id: str | None
    data: Mapping[str, Any] = field(hash=False)
    server_offset: timedelta = field(default=timedelta(), compare=False, repr=False)

    @property
    def resource(self) -> Resource | None:
        """The vehicle, or None if this is an event of an allocation."""
        return Resource.from_json(self.data) if self.allocation_id is None else None

    @property
    def allocation(self) -> Allocation | None:
        """The allocation, or None if this is an event of a vehicle."""
        if self.allocation_id is None:
            return None
        return Allocation.from_json(self.data, server_offset=self.server_offset)

    @staticmethod
    def from_json(document: Mapping[str, Any], server_offset: timedelta = timedelta()) -> Event:
        """Create an event of its kind from its document."""
        return KINDS.get(document["kind"], Event)(
            id=document["id"],
            at=parse_instant(document["at"]),
            kind=document["kind"],
            resource_type=document["resource_type"],
            resource_id=document["resource_id"],
            allocation_id=document["allocation_id"],
            client_id=document["client_id"],
            request_id=document["request_id"],
            data=document["data"],
            server_offset=server_offset,
        )


class ResourceEvent(Event):
    """A change of a vehicle."""

    @property
    def resource(self) -> Resource:
        """The vehicle after the change, or its last state."""
        return Resource.from_json(self.data)


class ResourceRegistered(ResourceEvent):
    """A vehicle was registered."""


class ResourceChanged(ResourceEvent):
    """The name, the attributes or ``closed_from`` of a vehicle changed."""


class ResourceDecommissioned(ResourceEvent):
    """A vehicle was decommissioned."""


class AllocationEvent(Event):
    """A change of an allocation."""

    allocation_id: str

    @property
    def allocation(self) -> Allocation:
        """The allocation after the change, or its last state."""
        return Allocation.from_json(self.data, server_offset=self.server_offset)


class Allocated(AllocationEvent):
    """An allocation was created, as a hold or confirmed."""


class AllocationChanged(AllocationEvent):
    """An allocation was changed or moved."""


class Confirmed(AllocationEvent):
    """A hold was confirmed."""


class Deallocated(AllocationEvent):
    """An allocation was deleted."""


class Expired(AllocationEvent):
    """A hold expired; this event can appear later than the expiry."""


KINDS: dict[str, type[Event]] = {
    "resource_registered": ResourceRegistered,
    "resource_changed": ResourceChanged,
    "resource_decommissioned": ResourceDecommissioned,
    "allocated": Allocated,
    "allocation_changed": AllocationChanged,
    "confirmed": Confirmed,
    "deallocated": Deallocated,
    "expired": Expired,
}


@dataclass(frozen=True)
class EventPage:
    """A page of events in causal order: an event follows those it depends on; independent ones can have any order.

    ``next`` is the cursor after the page. If ``has_more`` is true, more events may exist already, even if this page has
    none that match the filters: request the next page immediately.
    """

    events: tuple[Event, ...]
    next: str
    has_more: bool

    @classmethod
    def from_json(cls, document: Mapping[str, Any], has_more: bool, server_offset: timedelta = timedelta()) -> Self:
        """Create a page from the document of the feed."""
        events = tuple(Event.from_json(event, server_offset) for event in document["events"])
        return cls(events, document["next"], has_more)
