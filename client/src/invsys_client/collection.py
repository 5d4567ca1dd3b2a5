"""The calls for one collection: its vehicles and their allocations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx2

from invsys_client import payloads
from invsys_client.changes import CollectionChanges, parse_allocations
from invsys_client.parsing import parse_item
from invsys_client.payloads import (
    ANY_VERSION,
    AllocationFilters,
    AllocationOptions,
    Id,
    Match,
    ResourceChanges,
    ResourceFilters,
)
from invsys_client.records import Allocation, Attribute, Resource
from invsys_client.reports import CollectionReports

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Collection(CollectionChanges, CollectionReports):
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

    def register(
        self, name: str, *, attributes: Mapping[str, Attribute] | None = None, key: str | None = None
    ) -> Resource:
        """Register a vehicle with a name of 1 to 36 characters. Raises NameTaken."""
        body = {"name": name, "attributes": attributes or {}}
        return parse_item(self._connection.post(self._url, body, key), Resource.from_json)

    def resources(
        self,
        *,
        order: Literal["created", "name"] | None = None,
        page_size: int = 100,
        **filters: Unpack[ResourceFilters],
    ) -> Iterator[Resource]:
        """List vehicles, oldest first, or, with the order ``name``, by the code points of their names.

        With only one of ``available_from`` and ``available_to``, the period is unbounded on the other side.
        """
        query = {**payloads.resource_params(filters), "order": order}
        return self._list(self._url, query, page_size, Resource.from_json)

    def count_resources(self, **filters: Unpack[ResourceFilters]) -> int | None:
        """Return how many vehicles ``resources`` lists, or None if there are more than 100,000."""
        return self._count(self._url, payloads.resource_params(filters))

    def resource(self, resource_id: Id) -> Resource:
        """Return a vehicle. Raises ResourceNotFound."""
        return parse_item(self._connection.get(self._resource_url(resource_id)), Resource.from_json)

    def update_resource(
        self, resource_id: Id, *, if_match: Match = ANY_VERSION, **changes: Unpack[ResourceChanges]
    ) -> Resource:
        """Change the name, the attributes or ``closed_from`` of a vehicle.

        Raises ResourceNotFound, NameTaken, VersionMismatch.
        """
        body = payloads.resource_changes(changes)
        return parse_item(self._connection.patch(self._resource_url(resource_id), body, if_match), Resource.from_json)

    def close(self, resource_id: Id, closed_from: datetime, *, if_match: Match = ANY_VERSION) -> Resource:
        """Close a vehicle: no new allocation can cover time from ``closed_from`` on; existing allocations remain.

        ``allocations(resource_id, start=closed_from)`` lists those that still have to be moved. Raises
        ResourceNotFound, VersionMismatch.
        """
        return self.update_resource(resource_id, closed_from=closed_from, if_match=if_match)

    def open(self, resource_id: Id, *, if_match: Match = ANY_VERSION) -> Resource:
        """Open a closed vehicle again. Raises ResourceNotFound, VersionMismatch."""
        return self.update_resource(resource_id, closed_from=None, if_match=if_match)

    def decommission(self, resource_id: Id, *, if_match: Match = ANY_VERSION) -> None:
        """Decommission a vehicle. Raises ResourceNotFound, ResourceInUse, VersionMismatch."""
        self._connection.delete(self._resource_url(resource_id), if_match)

    def allocate(
        self,
        resource_id: Id,
        start: datetime | None,
        end: datetime | None,
        *,
        despite_closed: bool = False,
        **options: Unpack[AllocationOptions],
    ) -> Allocation:
        """Allocate one vehicle; with ``despite_closed`` even if it is closed, for example for its maintenance.

        Raises ResourceNotFound, ResourceClosed, PeriodTaken.
        """
        closed = {"despite_closed": True} if despite_closed else {}
        response = self._allocate(payloads.format_uuid(resource_id), start, end, **options, **closed)
        return parse_item(response, Allocation.from_json)

    def allocate_any(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **options: Unpack[AllocationOptions],
    ) -> Allocation:
        """Allocate any vehicle that is free for the whole period and has these attributes. Raises NoneAvailable."""
        return parse_item(
            self._allocate("any", start, end, **options, attributes=attributes or {}), Allocation.from_json
        )

    def allocate_several(
        self,
        quantity: int,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **options: Unpack[AllocationOptions],
    ) -> list[Allocation]:
        """Allocate several free vehicles (2 to 100) with these attributes, either all or none. Raises NoneAvailable."""
        response = self._allocate("any", start, end, **options, attributes=attributes or {}, quantity=quantity)
        return parse_allocations(response)

    def allocations(
        self,
        resource_id: Id | None = None,
        *,
        order: Literal["from", "-from"] | None = None,
        page_size: int = 100,
        **filters: Unpack[AllocationFilters],
    ) -> Iterator[Allocation]:
        """List the allocations of a vehicle, of several (``resource_ids``) or of all, ordered by start.

        With the order ``-from``, the latest start comes first. Raises ResourceNotFound if the vehicle ``resource_id``
        is not in circulation; vehicles in ``resource_ids`` that are not in circulation are ignored.
        """
        query = {**payloads.allocation_params(filters), "order": order}
        return self._list(self._allocations_url(resource_id), query, page_size, Allocation.from_json)

    def count_allocations(self, resource_id: Id | None = None, **filters: Unpack[AllocationFilters]) -> int | None:
        """Return how many allocations ``allocations`` lists, or None if there are more than 100,000."""
        return self._count(self._allocations_url(resource_id), payloads.allocation_params(filters))

    def allocation(self, allocation_id: Id) -> Allocation:
        """Return an allocation. Raises AllocationNotFound."""
        return parse_item(self._connection.get(self._allocation_url(allocation_id)), Allocation.from_json)

    def _allocate(self, vehicle: str, start: datetime | None, end: datetime | None, **options: Any) -> httpx2.Response:
        key = options.pop("key", None)
        body = {**payloads.period_fields(start, end), **options}
        return self._connection.post(f"{self._url}/{vehicle}/allocations", body, key)
