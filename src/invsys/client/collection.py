"""The calls for one collection: its vehicles, their allocations, when they are free."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, Unpack
from urllib.parse import quote

import httpx

from invsys.client import payloads
from invsys.client.connection import Connection
from invsys.client.parsing import item, parse, replayed
from invsys.client.payloads import Changes, Id, Order, VehicleChanges
from invsys.client.records import Allocation, Attribute, Availability, Resource

Item = TypeVar("Item")


class Collection:
    """The vehicles of one collection, such as ``lorries``; made by ``Client.collection``.

    Instants are aware datetimes, in periods and windows ``[start, end)`` None is infinite; ids are UUIDs. ValueError,
    before anything is sent, where they are not. Else see ``invsys.client.errors``.

    An order (register, allocate...) takes a ``key``: what is given again under it, after a crash too, is carried out
    once. A change takes ``if_match``, an ``etag``: VersionMismatch where the item has changed since. A list is an
    iterator that asks for ``page_size`` items (1 to 1,000) at a time, when they are wanted.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._url = f"api/{quote(name, safe='')}"

    def register(
        self, name: str, *, attributes: Mapping[str, Attribute] | None = None, key: str | None = None
    ) -> Resource:
        """Register a vehicle, under a name of 1 to 36 characters. NameTaken."""
        body = {"name": name, "attributes": attributes or {}}
        return item(self._connection.post(self._url, body, key), Resource.read)

    def resources(
        self,
        *,
        name: str | None = None,
        available_from: datetime | None = None,
        available_to: datetime | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        page_size: int = 100,
    ) -> Iterator[Resource]:
        """List vehicles, oldest first: all, or those that are free for the whole of a period and have these attributes.

        Without ``available_from`` and ``available_to`` it does not matter whether they are free; with one of them the
        period has no bound on the other side.
        """
        query = {
            "name": name,
            **payloads.window(available_from, available_to, ("available_from", "available_to")),
            **payloads.attribute_filter(attributes or {}),
        }
        return self._list(self._url, query, page_size, Resource.read)

    def resource(self, resource_id: Id) -> Resource:
        """Show a vehicle. ResourceNotFound."""
        return item(self._connection.get(self._vehicle(resource_id)), Resource.read)

    def change_resource(
        self, resource_id: Id, *, if_match: str | None = None, **changes: Unpack[VehicleChanges]
    ) -> Resource:
        """Rename a vehicle, or give it other attributes. ResourceNotFound, NameTaken, VersionMismatch."""
        return item(self._connection.patch(self._vehicle(resource_id), {**changes}, if_match), Resource.read)

    def decommission(self, resource_id: Id, *, if_match: str | None = None) -> None:
        """Take a vehicle out of circulation. ResourceNotFound, ResourceInUse, VersionMismatch."""
        self._connection.delete(self._vehicle(resource_id), if_match)

    def allocate(
        self, resource_id: Id, start: datetime | None, end: datetime | None, **order: Unpack[Order]
    ) -> Allocation:
        """Allocate one vehicle. ResourceNotFound, PeriodTaken."""
        return item(self._order(payloads.identifier(resource_id), start, end, **order), Allocation.read)

    def allocate_any(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **order: Unpack[Order],
    ) -> Allocation:
        """Allocate any vehicle that is free for the whole period and has these attributes. NoneAvailable."""
        return item(self._order("any", start, end, **order, attributes=attributes or {}), Allocation.read)

    def allocate_several(
        self,
        quantity: int,
        start: datetime | None,
        end: datetime | None,
        *,
        attributes: Mapping[str, Attribute] | None = None,
        **order: Unpack[Order],
    ) -> list[Allocation]:
        """Allocate so many vehicles (2 to 100) as ``allocate_any`` does one: all, or none. NoneAvailable."""
        answer = self._order("any", start, end, **order, attributes=attributes or {}, quantity=quantity)
        return parse(answer, lambda rows: [Allocation.read(row, replayed=replayed(answer)) for row in rows])

    def allocations(
        self,
        resource_id: Id | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        allocation_type: str | None = None,
        status: str | None = None,
        page_size: int = 100,
    ) -> Iterator[Allocation]:
        """List the allocations of a vehicle, or of all, that overlap a window, by their start. ResourceNotFound.

        ``status`` is ``confirmed`` or ``held``; expired holds are in no list.
        """
        url = f"{self._url}/all/allocations" if resource_id is None else f"{self._vehicle(resource_id)}/allocations"
        query = {**payloads.window(start, end), "allocation_type": allocation_type, "status": status}
        return self._list(url, query, page_size, Allocation.read)

    def allocation(self, allocation_id: Id) -> Allocation:
        """Show an allocation. AllocationNotFound."""
        return item(self._connection.get(self._allocation(allocation_id)), Allocation.read)

    def change(self, allocation_id: Id, *, if_match: str | None = None, **changes: Unpack[Changes]) -> Allocation:
        """Change an allocation: all that is asked for, or nothing.

        AllocationNotFound, PeriodTaken, HoldExpired, VersionMismatch.
        """
        return self._change(allocation_id, payloads.changes_of_allocation(changes), if_match)

    def confirm(self, allocation_id: Id, *, if_match: str | None = None) -> Allocation:
        """Confirm a hold; once confirmed, it stays so. AllocationNotFound, HoldExpired, VersionMismatch."""
        return self._change(allocation_id, {"status": "confirmed"}, if_match)

    def extend(self, allocation_id: Id, end: datetime | None, *, if_match: str | None = None) -> Allocation:
        """Let an allocation end later, or sooner. As ``change``."""
        return self.change(allocation_id, end=end, if_match=if_match)

    def extend_hold(self, allocation_id: Id, seconds: int, *, if_match: str | None = None) -> Allocation:
        """Hold for so many seconds (1 to 86,400) from now. As ``change``."""
        return self.change(allocation_id, hold_seconds=seconds, if_match=if_match)

    def move(self, allocation_id: Id, resource_id: Id, *, if_match: str | None = None) -> Allocation:
        """Put an allocation on another vehicle of the collection, for the same period. As ``change``."""
        return self.change(allocation_id, resource_id=resource_id, if_match=if_match)

    def free(self, allocation_id: Id, *, if_match: str | None = None) -> None:
        """Give an allocation's period back. AllocationNotFound, VersionMismatch."""
        self._connection.delete(self._allocation(allocation_id), if_match)

    def availability(self, resource_id: Id, start: datetime | None = None, end: datetime | None = None) -> Availability:
        """Say when in a window a vehicle is free, and when it is busy. ResourceNotFound."""
        answer = self._connection.get(f"{self._vehicle(resource_id)}/availability", payloads.window(start, end))
        return parse(answer, Availability.read)

    def availability_of_all(
        self, start: datetime | None = None, end: datetime | None = None, *, page_size: int = 100
    ) -> Iterator[Availability]:
        """Say the same of every vehicle, oldest first."""
        return self._list(f"{self._url}/all/availability", payloads.window(start, end), page_size, Availability.read)

    def icalendar(self, resource_id: Id, start: datetime | None = None, end: datetime | None = None) -> str:
        """Give a vehicle's allocations that overlap a window as iCalendar text (RFC 5545). ResourceNotFound."""
        url = f"{self._vehicle(resource_id)}/allocations.ics"
        return self._connection.get(url, payloads.window(start, end), accept="text/calendar").text

    def gbfs(self) -> dict[str, Any]:
        """Give the collection's GBFS document ``vehicle_availability.json``."""
        return parse(self._connection.get(f"{self._url}/gbfs/vehicle_availability.json"), dict)

    def _vehicle(self, resource_id: Id) -> str:
        return f"{self._url}/{payloads.identifier(resource_id)}"

    def _allocation(self, allocation_id: Id) -> str:
        return f"{self._url}/all/allocations/{payloads.identifier(allocation_id)}"

    def _order(self, vehicle: str, start: datetime | None, end: datetime | None, **order: Any) -> httpx.Response:
        key = order.pop("key", None)
        return self._connection.post(
            f"{self._url}/{vehicle}/allocations", {**payloads.period(start, end), **order}, key
        )

    def _change(self, allocation_id: Id, body: Mapping[str, Any], if_match: str | None) -> Allocation:
        return item(self._connection.patch(self._allocation(allocation_id), body, if_match), Allocation.read)

    def _list(self, url: str, query: Mapping[str, Any], page_size: int, read: Callable[[Any], Item]) -> Iterator[Item]:
        return self._connection.pages(url, {**query, "limit": page_size}, read)
