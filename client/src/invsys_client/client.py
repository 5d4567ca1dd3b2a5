"""The entry points of the client: they connect to a service, and return its collections and its change feed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import httpx2

from invsys_client.calls.collection import CollectionCalls
from invsys_client.calls.feed import AsyncFeed, Feed, ServiceCalls, feed_pages
from invsys_client.calls.mirror import MirrorCalls
from invsys_client.options import EventFilters
from invsys_client.transport.calls import Asynchronous, Synchronous
from invsys_client.transport.connection import AsyncConnection, SyncConnection
from invsys_client.transport.deadline import keep_deadline
from invsys_client.transport.retries import Limits
from invsys_client.transport.settings import Settings, require_callable, require_transport

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class Collection(CollectionCalls, Synchronous):
    """The vehicles of one collection, such as ``lorries``; created by ``Client.collection``."""

    def __init__(self, connection: SyncConnection, name: str) -> None:
        super().__init__(name)
        self._connection = connection


class AsyncCollection(CollectionCalls, Asynchronous):
    """The vehicles of one collection, such as ``lorries``; created by ``AsyncClient.collection``."""

    def __init__(self, connection: AsyncConnection, name: str) -> None:
        super().__init__(name)
        self._connection = connection


class Client(ServiceCalls, MirrorCalls, Synchronous):
    """A client for the inventory service at ``base_url``; it is thread-safe, and a ``with`` block closes it.

    ``token``, an API key or a JSON Web Token, is sent with every request as ``Authorization: Bearer``; ``headers`` are
    further ones. ``timeout`` limits each step of an attempt (connect, send, wait for the response), ``deadline`` all
    attempts of a request together, even if a response arrives byte by byte. Both are in seconds, and also arguments of
    each call; the lookup of the host's name can take longer. The client retries a request that got no response, or a
    response with 429 (except ``TooManyHolds``), 502, 503 or 504, unless this could execute it twice. It makes at most
    ``attempts`` attempts. ``transport`` replaces httpx2's transport, for example to use a client certificate. ``sleep``
    and ``clock`` replace ``time.sleep`` and ``time.monotonic`` in tests. Settings in the environment, such as proxies,
    are ignored. The logger ``invsys_client`` has one debug record for each attempt.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        attempts: int = 8,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = Settings.create(base_url, Limits(attempts, timeout, deadline), clock, token, headers)
        require_callable("sleep", sleep)
        require_transport(transport, httpx2.BaseTransport)
        network = keep_deadline(transport or httpx2.HTTPTransport(trust_env=False))
        self._connection = SyncConnection(settings, httpx2.Client(transport=network, **settings.http()), sleep)

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
        """Return the collection with the name that the URLs of the service contain, such as ``cars`` or ``lorries``.

        A name consists of a-z, 0-9, ``-`` and ``_``. Raises ValueError.
        """
        return Collection(self._connection, name)

    def events(self, after: str | None = None, *, page_size: int = 100, **filters: Unpack[EventFilters]) -> Feed:
        """Return the events after a cursor that match all filters, up to the present.

        Without a cursor, they begin at the oldest stored event. With the cursor ``"now"``, the first iteration yields
        nothing, and later ones yield newer events. Raises CursorExpired.
        """
        read_page, options = feed_pages(page_size, filters)
        return Feed(lambda cursor: self._connection.run(read_page(cursor), options), after)


class AsyncClient(ServiceCalls, MirrorCalls, Asynchronous):
    """A client with the calls of ``Client`` as coroutines; ``async with`` closes it.

    ``sleep`` replaces ``asyncio.sleep``, for example with ``trio.sleep``. The other arguments are those of ``Client``.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        attempts: int = 8,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = Settings.create(base_url, Limits(attempts, timeout, deadline), clock, token, headers)
        require_callable("sleep", sleep)
        require_transport(transport, httpx2.AsyncBaseTransport)
        self._connection = AsyncConnection(settings, httpx2.AsyncClient(transport=transport, **settings.http()), sleep)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections to the service."""
        await self._connection.close()

    def collection(self, name: str) -> AsyncCollection:
        """Return the collection with the name that the URLs of the service contain, such as ``cars`` or ``lorries``.

        A name consists of a-z, 0-9, ``-`` and ``_``. Raises ValueError.
        """
        return AsyncCollection(self._connection, name)

    def events(self, after: str | None = None, *, page_size: int = 100, **filters: Unpack[EventFilters]) -> AsyncFeed:
        """Return the events after a cursor that match all filters, up to the present; see ``Client.events``."""
        read_page, options = feed_pages(page_size, filters)
        return AsyncFeed(lambda cursor: self._connection.run(read_page(cursor), options), after)
