"""The calls that report on one collection: availability, utilisation, calendars and GBFS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.calls.base import CollectionBase, pages_of
from invsys_client.options import CallOptions, Id
from invsys_client.records import Availability
from invsys_client.transport.calls import call, listing
from invsys_client.transport.pages import Pages
from invsys_client.transport.parsing import parse, parse_calendar
from invsys_client.transport.requests import Steps, get
from invsys_client.utilisation import Utilisation

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MAX_STEPS = 1000


class CollectionReports(CollectionBase):
    """The reports of a collection."""

    @call
    def availability(
        self,
        resource_id: Id,
        start: datetime | None = None,
        end: datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> Steps[Availability]:
        """Return the free and the busy periods of a vehicle in a window. Raises ResourceNotFound."""
        url = f"{self._resource_url(resource_id)}/availability"
        return parse((yield from get(url, payloads.window_params(start, end))), Availability.from_json)

    @listing
    def availability_of_all(
        self,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        resource_ids: Iterable[Id] | None = None,
        page_size: int = 100,
        **options: Unpack[CallOptions],
    ) -> Pages[Availability]:
        """List the free and the busy periods of every vehicle, or of up to 100 vehicles, oldest vehicle first."""
        query = {**payloads.window_params(start, end), **payloads.ids_param(resource_ids)}
        return pages_of(f"{self._url}/all/availability", query, page_size, Availability.from_json)

    @call
    def utilisation(
        self,
        start: datetime,
        end: datetime,
        step: timedelta = timedelta(hours=1),
        **options: Unpack[CallOptions],
    ) -> Steps[Utilisation]:
        """Return how much of the fleet is allocated in each step of a window, at most 1,000 steps.

        ``step`` has whole seconds. The service may take a second to answer; a response is valid for a minute.
        """
        window = {"from": arguments.instant("start", start), "to": arguments.instant("end", end)}
        arguments.require_order("end", start, end)
        query = {**window, "step": arguments.duration("step", step)}
        if end - start > _MAX_STEPS * step:
            raise ValueError(f"step: the window has more than {_MAX_STEPS:,} steps of {step}")
        return parse((yield from get(f"{self._url}/utilisation", query)), Utilisation.from_json)

    @call
    def icalendar(
        self,
        resource_id: Id,
        start: datetime | None = None,
        end: datetime | None = None,
        **options: Unpack[CallOptions],
    ) -> Steps[str]:
        """Return the allocations of a vehicle in a window as iCalendar text (RFC 5545). Raises ResourceNotFound."""
        url = f"{self._resource_url(resource_id)}/allocations.ics"
        return parse_calendar((yield from get(url, payloads.window_params(start, end), "text/calendar")))

    @call
    def gbfs(self, **options: Unpack[CallOptions]) -> Steps[dict[str, Any]]:
        """Return the GBFS document ``vehicle_availability.json`` of the collection."""
        return parse((yield from get(f"{self._url}/gbfs/vehicle_availability.json")), _members)


def _members(document: Mapping[str, Any]) -> dict[str, Any]:
    return dict(document.items())
