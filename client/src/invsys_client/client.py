"""The entry point of the client: connects to a service and returns its collections and its change feed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import httpx2

from invsys_client.caller import Caller
from invsys_client.collection import Collection
from invsys_client.connection import Connection, Retries
from invsys_client.parsing import parse
from invsys_client.payloads import EventFilters, event_params
from invsys_client.records import Event, EventPage
from invsys_client.version import __version__

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Client:
    """A client for the inventory service at ``base_url``; it is thread-safe, and a ``with`` block closes it.

    ``token``, an API key or a JSON Web Token, is sent with every request as ``Authorization: Bearer``. ``timeout``
    limits each step of an attempt (connect, send, wait for the response), in seconds. The client retries a request that
    got no response, or a response with 429 (except ``TooManyHolds``), 502, 503 or 504. It makes at most ``attempts``
    attempts, and starts the last one at most ``give_up_after`` seconds after the first. ``transport`` replaces httpx2's
    transport, for example to use a private certificate authority. ``sleep`` and ``clock`` replace ``time.sleep`` and
    ``time.monotonic`` in tests. Settings in the environment, such as proxies, are ignored.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        attempts: int = 8,
        give_up_after: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{base_url!r} is not an http or https URL")
        retries = Retries(attempts, give_up_after, sleep, clock)
        headers = {"Accept": "application/json", "User-Agent": f"invsys-client/{__version__}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        http = httpx2.Client(base_url=base_url, headers=headers, timeout=timeout, transport=transport, trust_env=False)
        self._connection = Connection(http, retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the service."""
        self._connection.close()

    def collection(self, name: str) -> Collection:
        """Return the collection with the name that the URLs of the service contain, such as ``cars`` or ``lorries``."""
        return Collection(self._connection, name)

    def whoami(self) -> Caller:
        """Return the client to which the token belongs, with its scopes and limits.

        Only the gateway serves this; if ``base_url`` is the inventory itself, the call raises NotFound.
        """
        return parse(self._connection.get("whoami"), Caller.from_json)

    def events(self, after: str | None = None, *, page_size: int = 100, **filters: Unpack[EventFilters]) -> Feed:
        """Return the events after a cursor that match all filters, up to the present.

        Without a cursor, they begin at the oldest stored event. With the cursor ``"now"``, the first iteration yields
        nothing, and later ones yield newer events. Raises CursorExpired.
        """
        params = event_params(filters)
        return Feed(lambda cursor: self._event_page(cursor, page_size, params), after)

    def event_page(self, after: str | None = None, *, limit: int = 100, **filters: Unpack[EventFilters]) -> EventPage:
        """Return one page of the events after a cursor that match all filters.

        Store the results of a page and its ``next`` cursor in one transaction to process each event exactly once. After
        ``"now"`` the page is empty, and ``next`` is the end of the feed. Raises CursorExpired.
        """
        return self._event_page(after, limit, event_params(filters))

    def _event_page(self, after: str | None, limit: int, filters: Mapping[str, list[str]]) -> EventPage:
        response = self._connection.get("api/events", {"after": after, "limit": limit, **filters})
        return parse(response, lambda document: EventPage.from_json(document, has_more="next" in response.links))


class Feed(Iterable[Event]):
    """Events in causal order (an event follows those it depends on), up to the present; iterate again for new ones.

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
