"""The calls that report on one collection: availability, utilisation, calendars and GBFS."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from invsys.client import payloads
from invsys.client.connection import Connection
from invsys.client.parsing import parse
from invsys.client.payloads import Id
from invsys.client.records import Availability
from invsys.client.utilisation import Utilisation

Item = TypeVar("Item")


class CollectionReports:
    """The reports of a collection; ``Collection`` inherits these calls, and the URLs and lists below."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._url = f"api/{quote(name, safe='')}"

    def availability(self, resource_id: Id, start: datetime | None = None, end: datetime | None = None) -> Availability:
        """Return the free and the busy periods of a vehicle in a window. Raises ResourceNotFound."""
        response = self._connection.get(
            f"{self._resource_url(resource_id)}/availability", payloads.window_params(start, end)
        )
        return parse(response, Availability.from_json)

    def availability_of_all(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        resource_ids: Iterable[Id] | None = None,
        page_size: int = 100,
    ) -> Iterator[Availability]:
        """List the free and the busy periods of every vehicle, or of up to 100 vehicles, oldest vehicle first."""
        query = {**payloads.window_params(start, end), **payloads.ids_param(resource_ids)}
        return self._list(f"{self._url}/all/availability", query, page_size, Availability.from_json)

    def utilisation(self, start: datetime, end: datetime, step: timedelta = timedelta(hours=1)) -> Utilisation:
        """Return how much of the fleet is allocated in each step of a window, at most 1,000 steps.

        ``step`` has whole seconds. The service may take a second to answer; a response is valid for a minute.
        """
        query = {**payloads.window_params(start, end), "step": payloads.format_duration(step)}
        return parse(self._connection.get(f"{self._url}/utilisation", query), Utilisation.from_json)

    def icalendar(self, resource_id: Id, start: datetime | None = None, end: datetime | None = None) -> str:
        """Return the allocations of a vehicle in a window as iCalendar text (RFC 5545). Raises ResourceNotFound."""
        url = f"{self._resource_url(resource_id)}/allocations.ics"
        return self._connection.get(url, payloads.window_params(start, end), accept="text/calendar").text

    def gbfs(self) -> dict[str, Any]:
        """Return the GBFS document ``vehicle_availability.json`` of the collection."""
        return parse(self._connection.get(f"{self._url}/gbfs/vehicle_availability.json"), dict)

    def _resource_url(self, resource_id: Id) -> str:
        return f"{self._url}/{payloads.format_uuid(resource_id)}"

    def _allocations_url(self, resource_id: Id | None) -> str:
        vehicle = f"{self._url}/all" if resource_id is None else self._resource_url(resource_id)
        return f"{vehicle}/allocations"

    def _allocation_url(self, allocation_id: Id) -> str:
        return f"{self._url}/all/allocations/{payloads.format_uuid(allocation_id)}"

    def _list(
        self, url: str, query: Mapping[str, Any], page_size: int, read_item: Callable[[Any], Item]
    ) -> Iterator[Item]:
        if query.get("resource_id") == []:
            # Without an id, the parameter would be missing, and the list would have all vehicles.
            return iter(())
        return self._connection.pages(url, {**query, "limit": page_size}, read_item)

    def _count(self, url: str, query: Mapping[str, Any]) -> int | None:
        if query.get("resource_id") == []:
            return 0
        headers = self._connection.get(url, {**query, "limit": 1, "count": "true"}).headers
        return int(headers["X-Total-Count"]) if "X-Total-Count" in headers else None
