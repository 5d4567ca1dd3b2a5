"""The calls for one collection: its vehicles and their allocations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.calls.base import allocation_pages, count, resource_pages
from invsys_client.calls.changes import CollectionChanges
from invsys_client.calls.replacement import CollectionReplacement
from invsys_client.calls.reports import CollectionReports
from invsys_client.options import (
    ANY_VERSION,
    AllocationFilters,
    AllocationOptions,
    CallOptions,
    Id,
    Match,
    ResourceChanges,
    ResourceFilters,
)
from invsys_client.records import Allocation, Attribute, Resource
from invsys_client.transport.calls import call, listing
from invsys_client.transport.pages import Pages
from invsys_client.transport.parsing import parse_allocation, parse_allocations, parse_resource
from invsys_client.transport.requests import Steps, delete, get, post

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CollectionCalls(CollectionReplacement, CollectionChanges, CollectionReports):
    """The vehicles of one collection, such as ``lorries``; created by ``Client.collection``.

    Periods and windows are half-open, ``[start, end)``; a bound that is None is infinite. Naive datetimes and ids that
    are not UUIDs raise ValueError before a request is sent. ``invsys_client.errors`` lists all other errors; the
    docstrings below name those that are specific to a call.

    Calls that create something take a ``key``, the Idempotency-Key: if the same call is repeated with the same key,
    even after a crash, the service executes it only once. Calls that change something take ``if_match``, the
    ``version`` or the ``etag`` of an item, also of one in a list, and raise VersionMismatch if the item has changed
    since. The default, ``ANY_VERSION``, checks nothing; None raises ValueError. Lists are iterators that request
    ``page_size`` items (1 to 1,000) at a time, when they are needed.
    """

    @call
    def register(
        self,
        name: str,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        key: str | None = None,
        **options: Unpack[CallOptions],
    ) -> Steps[Resource]:
        """Register a vehicle with a name of 1 to 36 characters. Raises NameTaken."""
        return parse_resource((yield from post(self._url, payloads.resource_body(name, attributes), key)))

    @listing
    def resources(
        self,
        *,
        order: Literal["created", "name"] | None = None,
        page_size: int = 100,
        **filters: Unpack[ResourceFilters],
    ) -> Pages[Resource]:
        """List vehicles, oldest first, or, with the order ``name``, by the code points of their names.

        With only one of ``available_from`` and ``available_to``, the period is unbounded on the other side.
        """
        return resource_pages(self._url, filters, page_size, order)

    @call
    def count_resources(self, **filters: Unpack[ResourceFilters]) -> Steps[int | None]:
        """Return how many vehicles ``resources`` lists, or None if there are more than 100,000."""
        return count(self._url, payloads.resource_params(filters))

    @call
    def resource(self, resource_id: Id, **options: Unpack[CallOptions]) -> Steps[Resource]:
        """Return a vehicle. Raises ResourceNotFound."""
        return parse_resource((yield from get(self._resource_url(resource_id))))

    @call
    def update_resource(
        self, resource_id: Id, *, if_match: Match = ANY_VERSION, **changes: Unpack[ResourceChanges]
    ) -> Steps[Resource]:
        """Change the name, the attributes or ``closed_from`` of a vehicle.

        Raises ResourceNotFound, NameTaken, VersionMismatch.
        """
        return self._update_resource(resource_id, changes, if_match)

    @call
    def close(
        self, resource_id: Id, closed_from: datetime, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[Resource]:
        """Close a vehicle: no new allocation can cover time from ``closed_from`` on; existing allocations remain.

        ``allocations(resource_id, start=closed_from)`` lists those that still have to be moved; ``replace_vehicle``
        moves them. Raises ResourceNotFound, VersionMismatch.
        """
        arguments.instant("closed_from", closed_from)
        return self._update_resource(resource_id, {"closed_from": closed_from}, if_match)

    @call
    def open(
        self, resource_id: Id, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[Resource]:
        """Open a closed vehicle again. Raises ResourceNotFound, VersionMismatch."""
        return self._update_resource(resource_id, {"closed_from": None}, if_match)

    @call
    def decommission(
        self, resource_id: Id, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[None]:
        """Decommission a vehicle. Raises ResourceNotFound, ResourceInUse, VersionMismatch."""
        return delete(self._resource_url(resource_id), arguments.if_match_header(if_match))

    @call
    def allocate(
        self,
        resource_id: Id,
        start: datetime | None,
        end: datetime | None,
        *,
        despite_closed: bool = False,
        **options: Unpack[AllocationOptions],
    ) -> Steps[Allocation]:
        """Allocate one vehicle; with ``despite_closed`` even if it is closed, for example for its maintenance.

        Raises ResourceNotFound, ResourceClosed, PeriodTaken.
        """
        closed = {"despite_closed": True} if despite_closed else {}
        vehicle = arguments.identifier("resource_id", resource_id)
        return parse_allocation((yield from self._allocate(vehicle, start, end, {**options, **closed})))

    @call
    def allocate_any(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **options: Unpack[AllocationOptions],
    ) -> Steps[Allocation]:
        """Allocate any vehicle that is free for the whole period and has these attributes. Raises NoneAvailable."""
        fields = {**options, "attributes": attributes or {}}
        return parse_allocation((yield from self._allocate("any", start, end, fields)))

    @call
    def allocate_several(
        self,
        quantity: int,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **options: Unpack[AllocationOptions],
    ) -> Steps[list[Allocation]]:
        """Allocate several free vehicles (2 to 100) with these attributes, either all or none. Raises NoneAvailable."""
        arguments.whole_number("quantity", quantity, 2, 100)
        fields = {**options, "attributes": attributes or {}, "quantity": quantity}
        return parse_allocations((yield from self._allocate("any", start, end, fields)))

    @listing
    def allocations(
        self,
        resource_id: Id | None = None,
        *,
        order: Literal["from", "-from"] | None = None,
        page_size: int = 100,
        **filters: Unpack[AllocationFilters],
    ) -> Pages[Allocation]:
        """List the allocations of a vehicle, of several (``resource_ids``) or of all, ordered by start.

        With the order ``-from``, the latest start comes first. Raises ResourceNotFound if the vehicle ``resource_id``
        is not in circulation; vehicles in ``resource_ids`` that are not in circulation are ignored.
        """
        return allocation_pages(self._allocations_url(resource_id), filters, page_size, order)

    @call
    def count_allocations(
        self, resource_id: Id | None = None, **filters: Unpack[AllocationFilters]
    ) -> Steps[int | None]:
        """Return how many allocations ``allocations`` lists, or None if there are more than 100,000."""
        return count(self._allocations_url(resource_id), payloads.allocation_params(filters))

    @call
    def allocation(self, allocation_id: Id, **options: Unpack[CallOptions]) -> Steps[Allocation]:
        """Return an allocation. Raises AllocationNotFound."""
        return parse_allocation((yield from get(self._allocation_url(allocation_id))))
