"""The calls that report on one collection: availability, utilisation, calendars and GBFS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from invsys_client import payloads
from invsys_client.collection_base import CollectionBase
from invsys_client.parsing import parse
from invsys_client.payloads import Id
from invsys_client.records import Availability
from invsys_client.utilisation import Utilisation


class CollectionReports(CollectionBase):
    """The reports of a collection, which ``Collection`` inherits."""

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
