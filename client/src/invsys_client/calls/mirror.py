"""The copy of the vehicles and allocations that follows the change feed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from invsys_client import arguments
from invsys_client.calls import payloads
from invsys_client.calls.base import allocation_pages, collection_url, resource_pages
from invsys_client.calls.feed import read_event_page, read_events
from invsys_client.errors import CursorExpired, InvalidFields
from invsys_client.events import AllocationEvent, Event, EventPage, ResourceEvent
from invsys_client.options import CallOptions
from invsys_client.records import Allocation, Resource
from invsys_client.transport.calls import call
from invsys_client.transport.pages import Pages
from invsys_client.transport.requests import Run, Steps

if TYPE_CHECKING:
    from typing_extensions import Unpack

# The most characters that a type can have.
_MAX_TYPE = 36
_DELETIONS = frozenset({"resource_decommissioned", "deallocated", "expired"})


@dataclass(frozen=True)
class Batch:
    """Changes of the copy: clear it if ``clear`` is true, delete ``deleted``, then insert or replace ``stored``.

    ``cursor`` is the position after this batch, a text that only ``mirror`` can read. If it is None, the copy is
    incomplete until a later batch has one: commit with that one.
    """

    stored: tuple[Resource | Allocation, ...] = ()
    deleted: tuple[str, ...] = ()
    cursor: str | None = None
    clear: bool = False


class MirrorStore(Protocol):
    """Where ``mirror`` keeps the copy. An asynchronous client also awaits the results of its methods.

    If a store has a method ``rollback``, ``mirror`` calls it when it fails.
    """

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

        ``resource_types`` maps collections to their types, for example ``{"lorries": "Lorry"}``. The first call copies
        everything; later calls apply the events since the previous one. A call also copies everything if
        ``resource_types`` has changed, and if the cursor has expired or is of another database. If a call is
        interrupted at any point, the next one continues. While a call runs, the copy can be older than the lists
        that it has read; afterwards it has the state of the service. ``timeout`` and ``deadline`` limit each request.
        Raises ValueError if the vehicles of a collection have another type.
        """
        copy = _Copy(store, resource_types, page_size)
        cursor = copy.position((yield Run(store.cursor, getattr(store, "rollback", None))))
        if cursor is not None:
            try:
                return (yield from copy.follow(cursor))
            except (CursorExpired, InvalidFields) as error:
                if isinstance(error, InvalidFields) and "after" not in error.errors:
                    raise
        yield from copy.require_types()
        page = yield from read_event_page("now", 1, copy.filters)
        copied = yield from copy.start()
        return copied + (yield from copy.follow(page.next))


class _Copy:
    """The copy of some collections in a store; raises ValueError or TypeError for invalid arguments."""

    def __init__(self, store: MirrorStore, resource_types: Mapping[str, str], page_size: int) -> None:
        if not all(callable(getattr(store, name, None)) for name in ("cursor", "write")):
            raise TypeError(f"store: {store!r} does not have the methods cursor and write")
        if not isinstance(resource_types, Mapping) or not resource_types:
            raise TypeError("resource_types: map collections to types, for example {'lorries': 'Lorry'}")
        self._urls = {name: collection_url(name, "resource_types") for name in resource_types}
        self._types = {
            name: arguments.name(f"resource_types[{name!r}]", value, _MAX_TYPE)
            for name, value in resource_types.items()
        }
        payloads.page_param("page_size", page_size)
        self._store, self._page_size = store, page_size
        self.filters = payloads.event_params({"resource_type": list(self._types.values())})
        # The events of other types would be missing, so the cursor is valid for these types only.
        self._prefix = json.dumps(self._types, sort_keys=True) + " "

    def position(self, cursor: Any) -> str | None:
        """Return the position in the feed of a stored cursor, or None if everything must be copied."""
        if cursor is not None and not isinstance(cursor, str):
            raise TypeError(f"store: its cursor {cursor!r} is not a string")
        return None if cursor is None or not cursor.startswith(self._prefix) else cursor[len(self._prefix) :]

    def require_types(self) -> Steps[None]:
        """Raise ValueError if a vehicle of a collection has another type."""
        for name, url in self._urls.items():
            self._require_type(name, (yield from resource_pages(url, {}, 1).read()))

    def start(self) -> Steps[int]:
        """Copy the lists."""
        yield from self._write(Batch(clear=True))
        number = 0
        for name, url in self._urls.items():
            number += yield from self._store_pages(name, resource_pages(url, {}, self._page_size))
            allocations = allocation_pages(f"{url}/all/allocations", {}, self._page_size)
            number += yield from self._store_pages(name, allocations)
        return number

    def follow(self, position: str) -> Steps[int]:
        """Apply all events after a position, page by page."""
        number, has_more = 0, True
        while has_more:
            page, batch = yield from read_events(position, self._page_size, self.filters, self._read)
            yield from self._write(batch)
            number += len(batch.stored) + len(batch.deleted)
            position, has_more = page.next, page.has_more
        return number

    def _store_pages(self, name: str, pages: Pages[Any]) -> Steps[int]:
        number = 0
        while pages.has_next:
            records = yield from pages.read()
            self._require_type(name, records)
            yield from self._write(Batch(tuple(records)))
            number += len(records)
        return number

    def _require_type(self, name: str, records: list[Any]) -> None:
        expected = self._types[name]
        for record in records:
            if record.resource_type != expected:
                raise ValueError(f"resource_types[{name!r}]: the type is {record.resource_type!r}, not {expected!r}")

    def _read(self, page: EventPage) -> tuple[EventPage, Batch]:
        return page, _batch(page.events, self._prefix + page.next)

    def _write(self, batch: Batch) -> Steps[None]:
        yield Run(lambda: self._store.write(batch))


def _batch(events: tuple[Event, ...], cursor: str) -> Batch:
    """Return the result of some events: the last state of each record."""
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
