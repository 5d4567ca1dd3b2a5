"""The replacement of a vehicle that is out of service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.calls.base import CollectionBase, allocation_pages
from invsys_client.errors import AllocationNotFound, ApiError, Archived, HoldExpired, NoneAvailable, VersionMismatch
from invsys_client.options import ANY_VEHICLE, ANY_VERSION, CallOptions, Id
from invsys_client.records import Allocation, Attribute, Period, Resource
from invsys_client.transport.calls import call
from invsys_client.transport.parsing import parse_allocation, parse_allocations, parse_resource, server_offset
from invsys_client.transport.requests import Steps, get, post

if TYPE_CHECKING:
    from typing_extensions import Unpack

# How often the allocations are read again because other clients changed them.
_MAX_PASSES = 10
# Before each start.
_ALWAYS = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Unmoved:
    """An allocation that could not be moved, and the reason: NoneAvailable, or VersionMismatch if others changed it."""

    allocation: Allocation
    error: ApiError


@dataclass(frozen=True)
class Replacement:
    """The result of ``replace_vehicle``: the closed vehicle, and what happened to its allocations.

    ``maintenance`` has the maintenance that now fills the time from the start on, by start, in several parts if
    allocations could not be moved. After a repeated call, it has those of the earlier call, too.
    """

    resource: Resource
    moved: tuple[Allocation, ...]
    unmoved: tuple[Unmoved, ...]
    maintenance: tuple[Allocation, ...]


@dataclass
class _Progress:
    """The allocations that were moved, and those that could not be moved, by id."""

    moved: dict[str, Allocation] = field(default_factory=dict)
    unmoved: dict[str, Unmoved] = field(default_factory=dict)

    def forget_others(self, ahead: list[Allocation]) -> None:
        """Forget the unmoved allocations that the vehicle does not have any more."""
        ids = {allocation.id for allocation in ahead}
        self.unmoved = {key: unmoved for key, unmoved in self.unmoved.items() if key in ids}

    def is_settled(self, allocation: Allocation) -> bool:
        """Return whether this version of an allocation could not be moved because no vehicle is free."""
        unmoved = self.unmoved.get(allocation.id)
        return (
            unmoved is not None
            and isinstance(unmoved.error, NoneAvailable)
            and unmoved.allocation.version == allocation.version
        )


class CollectionReplacement(CollectionBase):
    """The call that takes a vehicle out of service."""

    @call
    def replace_vehicle(
        self,
        resource_id: Id,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        allocation_type: str = "maintenance",
        description: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Steps[Replacement]:
        """Take a vehicle out of service from ``start`` (None: now) until ``end`` (None: unknown).

        Close the vehicle, move its allocations to any other vehicles that have these attributes, and enter the
        maintenance as an allocation of ``allocation_type``; allocations of this type stay. An allocation that has begun
        is moved as a whole. What cannot be moved is returned, and stays. If the call is interrupted, repeat it: it
        continues. ``timeout`` and ``deadline`` limit each request. Raises ResourceNotFound, and PeriodTaken if another
        client allocates the closed vehicle at the same time.
        """
        vehicle = arguments.identifier("resource_id", resource_id)
        required = arguments.attributes("attributes", attributes or {})
        fields = {"allocation_type": allocation_type, "description": description}
        payloads.allocation_body(start, end, fields)
        response = yield from get(self._resource_url(vehicle))
        resource = parse_resource(response)
        start = datetime.now(timezone.utc) + server_offset(response) if start is None else start
        arguments.require_order("end", start, end)
        if resource.closed_from is None or resource.closed_from > start:
            resource = yield from self._update_resource(vehicle, {"closed_from": start}, ANY_VERSION)
        progress = yield from self._move_all(vehicle, start, end, allocation_type, required)
        maintenance = yield from self._fill(vehicle, start, end, fields)
        return Replacement(
            resource, tuple(progress.moved.values()), tuple(progress.unmoved.values()), tuple(maintenance)
        )

    def _ahead(self, vehicle: str, start: datetime, end: datetime | None) -> Steps[list[Allocation]]:
        """Return the allocations of a vehicle that overlap a period, by start."""
        pages = allocation_pages(self._allocations_url(vehicle), {"start": start, "end": end}, payloads.MAX_PAGE)
        allocations: list[Allocation] = []
        while pages.has_next:
            allocations += yield from pages.read(current=True)
        return allocations

    def _move_all(
        self,
        vehicle: str,
        start: datetime,
        end: datetime | None,
        allocation_type: str,
        attributes: Mapping[str, Any],
    ) -> Steps[_Progress]:
        progress = _Progress()
        for _ in range(_MAX_PASSES):
            ahead = yield from self._ahead(vehicle, start, end)
            progress.forget_others(ahead)
            remaining = [
                one for one in ahead if one.allocation_type != allocation_type and not progress.is_settled(one)
            ]
            if not remaining:
                break
            for first in range(0, len(remaining), payloads.MAX_CHANGES):
                yield from self._move(remaining[first : first + payloads.MAX_CHANGES], attributes, progress)
        return progress

    def _move(self, allocations: list[Allocation], attributes: Mapping[str, Any], progress: _Progress) -> Steps[None]:
        """Move as many of up to 100 allocations as possible: a change list is all or none, so leave out the refused."""
        remaining = list(allocations)
        while remaining:
            changes = [
                {"id": one.id, "version": one.version, "resource_id": ANY_VEHICLE, "attributes": attributes}
                for one in remaining
            ]
            body, url = payloads.change_list(changes), f"{self._url}/all/allocations/changes"
            try:
                moved = parse_allocations((yield from post(url, body, None)))
            except (NoneAvailable, VersionMismatch, AllocationNotFound, Archived, HoldExpired) as error:
                if error.index is None:
                    raise
                refused = remaining.pop(error.index)
                if isinstance(error, (NoneAvailable, VersionMismatch)):
                    progress.unmoved[refused.id] = Unmoved(refused, error)
                continue
            progress.moved |= {one.id: one for one in moved}
            for one in moved:
                progress.unmoved.pop(one.id, None)
            return

    def _fill(
        self, vehicle: str, start: datetime, end: datetime | None, fields: Mapping[str, Any]
    ) -> Steps[list[Allocation]]:
        """Allocate the time of a period in which the vehicle has no allocation.

        Return all allocations of this type in the period, by start, also those of an earlier call.
        """
        busy = yield from self._ahead(vehicle, start, end)
        allocations = [one for one in busy if one.allocation_type == fields["allocation_type"]]
        for free in _gaps(start, end, busy):
            response = yield from self._allocate(vehicle, free.start, free.end, {**fields, "despite_closed": True})
            allocations.append(parse_allocation(response))
        return sorted(allocations, key=lambda one: one.start or _ALWAYS)


def _gaps(start: datetime, end: datetime | None, busy: list[Allocation]) -> Iterator[Period]:
    """Yield the parts of a period that no allocation covers; ``busy`` overlaps the period, and is ordered by start."""
    for allocation in busy:
        if allocation.start is not None and allocation.start > start:
            yield Period(start, allocation.start)
        if allocation.end is None:
            return
        start = max(start, allocation.end)
    if end is None or start < end:
        yield Period(start, end)
