"""The calls that change allocations, one or several at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx2

from invsys_client import payloads
from invsys_client.collection_base import CollectionBase
from invsys_client.parsing import is_replay, parse, parse_item
from invsys_client.payloads import ANY_VEHICLE, ANY_VERSION, AllocationChanges, Id, ListedChange, Match
from invsys_client.records import Allocation, Attribute

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CollectionChanges(CollectionBase):
    """The changes of allocations, which ``Collection`` inherits."""

    def update(
        self, allocation_id: Id, *, if_match: Match = ANY_VERSION, **changes: Unpack[AllocationChanges]
    ) -> Allocation:
        """Change several fields of an allocation at once, either all or none.

        Raises AllocationNotFound, ResourceClosed, PeriodTaken, HoldExpired, VersionMismatch.
        """
        return self._update(allocation_id, payloads.allocation_changes(changes), if_match)

    def confirm(self, allocation_id: Id, *, if_match: Match = ANY_VERSION) -> Allocation:
        """Confirm a hold; an allocation that is already confirmed stays unchanged.

        Raises AllocationNotFound, HoldExpired, VersionMismatch.
        """
        return self._update(allocation_id, {"status": "confirmed"}, if_match)

    def extend(self, allocation_id: Id, end: datetime | None, *, if_match: Match = ANY_VERSION) -> Allocation:
        """Change the end of an allocation to a later or earlier time. Raises the errors of ``update``."""
        return self.update(allocation_id, end=end, if_match=if_match)

    def extend_hold(self, allocation_id: Id, seconds: int, *, if_match: Match = ANY_VERSION) -> Allocation:
        """Set the expiry of a hold to ``seconds`` (1 to 86,400) from now. Raises the errors of ``update``."""
        return self.update(allocation_id, hold_seconds=seconds, if_match=if_match)

    def move(self, allocation_id: Id, resource_id: Id, *, if_match: Match = ANY_VERSION) -> Allocation:
        """Move an allocation to another vehicle of the collection. Raises the errors of ``update``."""
        return self.update(allocation_id, resource_id=payloads.format_uuid(resource_id), if_match=if_match)

    def move_to_any(
        self,
        allocation_id: Id,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        if_match: Match = ANY_VERSION,
    ) -> Allocation:
        """Move an allocation to any other vehicle that is free for its period and has these attributes.

        Raises AllocationNotFound, NoneAvailable, HoldExpired, VersionMismatch.
        """
        return self.update(allocation_id, resource_id=ANY_VEHICLE, attributes=attributes or {}, if_match=if_match)

    def update_several(self, changes: Iterable[ListedChange], *, key: str | None = None) -> list[Allocation]:
        """Change 1 to 100 different allocations, either all or none; return them in the same order.

        Only the result of all changes must be without conflicts, so two allocations can swap vehicles or periods. The
        exception of a rejected change has its ``index``. Raises AllocationNotFound, ResourceClosed, PeriodTaken,
        NoneAvailable, HoldExpired, VersionMismatch.
        """
        body = {"changes": [payloads.allocation_changes(change) for change in changes]}
        response = self._connection.post(f"{self._url}/all/allocations/changes", body, key)
        return parse_allocations(response)

    def deallocate(self, allocation_id: Id, *, if_match: Match = ANY_VERSION) -> None:
        """Delete an allocation. Raises AllocationNotFound, VersionMismatch."""
        self._connection.delete(self._allocation_url(allocation_id), if_match)

    def _update(self, allocation_id: Id, body: Mapping[str, Any], if_match: Match) -> Allocation:
        return parse_item(
            self._connection.patch(self._allocation_url(allocation_id), body, if_match), Allocation.from_json
        )


def parse_allocations(response: httpx2.Response) -> list[Allocation]:
    """Return the allocations in a response."""
    replayed = is_replay(response)
    return parse(response, lambda items: [Allocation.from_json(item, replayed) for item in items])
