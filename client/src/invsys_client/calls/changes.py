"""The calls that change allocations, one or several at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.calls.base import CollectionBase
from invsys_client.options import (
    ANY_VEHICLE,
    ANY_VERSION,
    AllocationChanges,
    CallOptions,
    Id,
    ListedChange,
    Match,
)
from invsys_client.records import Allocation, Attribute
from invsys_client.transport.calls import call
from invsys_client.transport.parsing import parse_allocation, parse_allocations
from invsys_client.transport.requests import Steps, delete, patch, post

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CollectionChanges(CollectionBase):
    """The changes of allocations."""

    @call
    def update(
        self, allocation_id: Id, *, if_match: Match = ANY_VERSION, **changes: Unpack[AllocationChanges]
    ) -> Steps[Allocation]:
        """Change several fields of an allocation at once, either all or none.

        Raises AllocationNotFound, Archived, ResourceClosed, PeriodTaken, HoldExpired, VersionMismatch.
        """
        return self._update(allocation_id, changes, if_match)

    @call
    def confirm(
        self, allocation_id: Id, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[Allocation]:
        """Confirm a hold; an allocation that is already confirmed stays unchanged.

        Raises AllocationNotFound, HoldExpired, VersionMismatch.
        """
        return self._update(allocation_id, {"status": "confirmed"}, if_match, repeatable=True)

    @call
    def extend(
        self,
        allocation_id: Id,
        end: datetime | None,
        *,
        if_match: Match = ANY_VERSION,
        **options: Unpack[CallOptions],
    ) -> Steps[Allocation]:
        """Change the end of an allocation to a later or earlier time. Raises the errors of ``update``."""
        return self._update(allocation_id, {"end": end}, if_match)

    @call
    def extend_hold(
        self, allocation_id: Id, seconds: int, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[Allocation]:
        """Set the expiry of a hold to ``seconds`` (1 to 86,400) from now. Raises the errors of ``update``."""
        arguments.whole_number("seconds", seconds, 1, payloads.MAX_HOLD)
        return self._update(allocation_id, {"hold_seconds": seconds}, if_match)

    @call
    def move(
        self, allocation_id: Id, resource_id: Id, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[Allocation]:
        """Move an allocation to another vehicle of the collection. Raises the errors of ``update``."""
        vehicle = arguments.identifier("resource_id", resource_id)
        return self._update(allocation_id, {"resource_id": vehicle}, if_match)

    @call
    def move_to_any(
        self,
        allocation_id: Id,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        if_match: Match = ANY_VERSION,
        **options: Unpack[CallOptions],
    ) -> Steps[Allocation]:
        """Move an allocation to any other vehicle that is free for its period and has these attributes.

        Raises AllocationNotFound, Archived, NoneAvailable, HoldExpired, VersionMismatch.
        """
        changes = {"resource_id": ANY_VEHICLE, "attributes": attributes or {}}
        return self._update(allocation_id, changes, if_match)

    @call
    def update_several(
        self, changes: Iterable[ListedChange], *, key: str | None = None, **options: Unpack[CallOptions]
    ) -> Steps[list[Allocation]]:
        """Change 1 to 100 different allocations, either all or none; return them in the same order.

        Only the result of all changes must be without conflicts, so two allocations can swap vehicles or periods. The
        exception of a rejected change has its ``index``. Raises AllocationNotFound, Archived, ResourceClosed,
        PeriodTaken, NoneAvailable, HoldExpired, VersionMismatch.
        """
        return self._update_several(changes, key)

    @call
    def deallocate(
        self, allocation_id: Id, *, if_match: Match = ANY_VERSION, **options: Unpack[CallOptions]
    ) -> Steps[None]:
        """Delete an allocation. Raises AllocationNotFound, VersionMismatch."""
        return delete(self._allocation_url(allocation_id), arguments.if_match_header(if_match))

    def _update(
        self, allocation_id: Id, changes: Mapping[str, Any], if_match: Match, *, repeatable: bool = False
    ) -> Steps[Allocation]:
        body, match = payloads.allocation_changes(changes), arguments.if_match_header(if_match)
        response = yield from patch(self._allocation_url(allocation_id), body, match, repeatable=repeatable)
        return parse_allocation(response)

    def _update_several(self, changes: Iterable[Mapping[str, Any]], key: str | None) -> Steps[list[Allocation]]:
        body = payloads.change_list(changes)
        return parse_allocations((yield from post(f"{self._url}/all/allocations/changes", body, key)))
