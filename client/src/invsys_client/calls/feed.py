"""The calls that concern all collections: the change feed and ``whoami``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from invsys_client.caller import Caller
from invsys_client.calls import payloads
from invsys_client.events import Event, EventPage
from invsys_client.options import CallOptions, EventFilters
from invsys_client.transport.calls import call, split_options
from invsys_client.transport.parsing import parse, server_offset
from invsys_client.transport.requests import Steps, get

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class ServiceCalls:
    """The calls that concern all collections."""

    @call
    def whoami(self, **options: Unpack[CallOptions]) -> Steps[Caller]:
        """Return the client to which the token belongs, with its scopes and limits.

        Only the gateway serves this; if ``base_url`` is the inventory itself, the call raises NotFound.
        """
        return parse((yield from get("whoami")), Caller.from_json)

    @call
    def event_page(
        self, after: str | None = None, *, limit: int = 100, **filters: Unpack[EventFilters]
    ) -> Steps[EventPage]:
        """Return one page of the events after a cursor that match all filters.

        Store the results of a page and its ``next`` cursor in one transaction to process each event exactly once. After
        ``"now"`` the page is empty, and ``next`` is the end of the feed. Raises CursorExpired.
        """
        return read_event_page(after, limit, payloads.event_params(filters))


def read_event_page(after: str | None, limit: int, filters: Mapping[str, Any]) -> Steps[EventPage]:
    """Read one page; ``filters`` are query parameters."""
    return read_events(after, limit, filters, lambda page: page)


def read_events(after: str | None, limit: int, filters: Mapping[str, Any], read: Callable[[EventPage], T]) -> Steps[T]:
    """Read one page and return ``read(page)``; raises UnexpectedResponse if ``read`` fails."""
    if after is not None and not isinstance(after, str):
        raise TypeError(f"after: {after!r} is not a cursor")
    query = {"after": after, **payloads.page_param("limit", limit), **filters}
    response = yield from get("api/events", query)
    has_more, offset = "next" in response.links, server_offset(response)

    def read_page(document: Any) -> T:
        page = EventPage.from_json(document, has_more, offset)
        if has_more and page.next == after:
            raise ValueError("the feed would never end")
        return read(page)

    return parse(response, read_page)


class Feed:
    """Events in causal order, up to the present; iterate again for new ones.

    An event follows those it depends on; independent events can have any order.

    Store ``cursor`` to continue later with ``Client.events(cursor)`` without missing an event. The cursor advances page
    by page, when the event after the last one of a page is requested. If the iteration stops within a page, the next
    one starts again at the beginning of that page.

    The event ``expired`` can appear later than the expiry of the hold. A held allocation is valid until its
    ``expires``, regardless of the event.
    """

    def __init__(self, fetch_page: Callable[[str | None], EventPage], after: str | None) -> None:
        self.cursor = after
        self._fetch_page = fetch_page

    def __iter__(self) -> Iterator[Event]:
        has_more = True
        while has_more:
            page = self._fetch_page(self.cursor)
            yield from page.events
            self.cursor, has_more = page.next, page.has_more


class AsyncFeed:
    """The events of an asynchronous client, for ``async for``; ``Feed`` describes them."""

    def __init__(self, fetch_page: Callable[[str | None], Coroutine[Any, Any, EventPage]], after: str | None) -> None:
        self.cursor = after
        self._fetch_page = fetch_page

    async def __aiter__(self) -> AsyncIterator[Event]:
        has_more = True
        while has_more:
            page = await self._fetch_page(self.cursor)
            for event in page.events:
                yield event
            self.cursor, has_more = page.next, page.has_more


def feed_pages(
    page_size: int, filters: Mapping[str, Any]
) -> tuple[Callable[[str | None], Steps[EventPage]], CallOptions]:
    """Check the arguments of ``events``; return a function that reads the page after a cursor, and the options."""
    params = dict(filters)
    options = split_options(params, EventFilters.__annotations__.keys())
    query = payloads.event_params(params)
    payloads.page_param("page_size", page_size)
    return lambda cursor: read_event_page(cursor, page_size, query), options
