"""The copy of the vehicles and allocations that follows the change feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from invsys_client.calls import payloads
from invsys_client.calls.base import allocation_pages, collection_url, resource_pages
from invsys_client.calls.feed import read_event_page
from invsys_client.errors import CursorExpired
from invsys_client.events import AllocationEvent, Event, ResourceEvent
from invsys_client.options import CallOptions
from invsys_client.records import Allocation, Resource
from invsys_client.transport.calls import call
from invsys_client.transport.pages import Pages
from invsys_client.transport.requests import Run, Steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

_DELETIONS = frozenset({"resource_decommissioned", "deallocated", "expired"})


@dataclass(frozen=True)
class Batch:
    """Changes of the copy: clear it if ``clear`` is true, delete ``deleted``, then insert or replace ``stored``.

    ``cursor`` is the position in the feed after this batch. If it is None, the copy is incomplete until a later batch
    has one: commit with that one.
    """

    stored: tuple[Resource | Allocation, ...] = ()
    deleted: tuple[str, ...] = ()
    cursor: str | None = None
    clear: bool = False


class MirrorStore(Protocol):
    """Where ``mirror`` keeps the copy. An asynchronous client also awaits the results of both methods."""

    def cursor(self) -> Any:
        """Return the stored cursor, or None if there is no complete copy."""

    def write(self, batch: Batch) -> Any:
        """Write a batch, and commit it together with its cursor if it has one."""


class MirrorCalls:
    """The call that updates a copy."""

    @call
    def mirror(
        self,
        store: MirrorStore,
        resource_types: Mapping[str, str],
        *,
        page_size: int = payloads.MAX_PAGE,
        **options: Unpack[CallOptions],
    ) -> Steps[int]:
        """Bring a copy of the vehicles and allocations up to date; return the number of records written.

        ``resource_types`` maps collections to their types, for example ``{"lorries": "Lorry"}``. The first call, and
        one whose cursor has expired, copies everything; later calls apply the events since the previous one. If a call
        is interrupted at any point, the next one continues. While a call runs, the copy can be older than the lists
        that it has read; afterwards it has the state of the service. ``timeout`` and ``deadline`` limit each request.
        """
        if not isinstance(resource_types, Mapping) or not resource_types:
            raise TypeError("resource_types: map collections to types, for example {'lorries': 'Lorry'}")
        cursor = yield Run(store.cursor)
        filters = payloads.event_params({"resource_type": list(resource_types.values())})
        payloads.page_param("page_size", page_size)
        if cursor is not None:
            try:
                return (yield from _follow(store, cursor, filters, page_size))
            except CursorExpired:
                pass
        page = yield from read_event_page("now", 1, filters)
        copied = yield from _copy(store, resource_types, page_size)
        return copied + (yield from _follow(store, page.next, filters, page_size))


def _copy(store: MirrorStore, collections: Mapping[str, str], page_size: int) -> Steps[int]:
    yield Run(lambda: store.write(Batch(clear=True)))
    number = 0
    for name in collections:
        url = collection_url(name)
        number += yield from _store_pages(store, resource_pages(url, {}, page_size))
        number += yield from _store_pages(store, allocation_pages(f"{url}/all/allocations", {}, page_size))
    return number


def _store_pages(store: MirrorStore, pages: Pages[Any]) -> Steps[int]:
    number = 0
    while pages.has_next:
        batch = Batch(tuple((yield from pages.read())))
        yield Run(lambda batch=batch: store.write(batch))  # type: ignore[misc]
        number += len(batch.stored)
    return number


def _follow(store: MirrorStore, cursor: str, filters: Mapping[str, Any], page_size: int) -> Steps[int]:
    """Apply all events after a cursor, page by page."""
    number, has_more = 0, True
    while has_more:
        page = yield from read_event_page(cursor, page_size, filters)
        batch = _batch(page.events, page.next)
        yield Run(lambda batch=batch: store.write(batch))  # type: ignore[misc]
        number += len(batch.stored) + len(batch.deleted)
        cursor, has_more = page.next, page.has_more
    return number


def _batch(events: tuple[Event, ...], cursor: str) -> Batch:
    """Return the result of a page of events: the last state of each record."""
    states: dict[str, Resource | Allocation | None] = {}
    for event in events:
        # Unknown kinds of later versions are skipped.
        if isinstance(event, AllocationEvent):
            states[event.allocation_id] = None if event.kind in _DELETIONS else event.allocation
        elif isinstance(event, ResourceEvent):
            states[event.resource_id] = None if event.kind in _DELETIONS else event.resource
    stored = tuple(record for record in states.values() if record is not None)
    deleted = tuple(key for key, record in states.items() if record is None)
    return Batch(stored, deleted, cursor)
