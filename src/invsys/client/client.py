"""The client: one service, its collections, and its feed of changes."""

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

import httpx

from invsys import __version__
from invsys.client.collection import Collection
from invsys.client.connection import Connection, Retries
from invsys.client.parsing import parse
from invsys.client.records import Event, EventPage


class Client:
    """A caller of the inventory service at ``base_url``; threads may share it, ``with`` closes it.

    ``token`` goes with every request as ``Authorization: Bearer``. ``timeout`` is in seconds, for each step of an
    attempt (to connect, to send, to wait for an answer). A request without an answer, or answered with 429 (other than
    for too many holds), 502, 503 or 504, is sent again after a pause: ``attempts`` times in all, and never later than
    ``give_up_after`` seconds after the first. ``transport`` replaces the way to the service (a private certificate
    authority, a test); ``sleep`` and ``clock`` are those of ``time``. Settings of the environment, such as proxies, are
    not looked at.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout: float = 10.0,
        attempts: int = 8,
        give_up_after: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{base_url!r} is no URL of http or https")
        retries = Retries(attempts, give_up_after, sleep, clock)
        headers = {"Accept": "application/json", "User-Agent": f"invsys-client/{__version__}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        http = httpx.Client(base_url=base_url, headers=headers, timeout=timeout, transport=transport, trust_env=False)
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
        """Give the calls for a collection, under its name in the service's URLs: ``cars``, ``lorries``, ``trucks``."""
        return Collection(self._connection, name)

    def events(self, after: str | None = None, *, page_size: int = 100) -> "Feed":
        """Return the changes after a cursor, up to the present; without one, from the oldest event kept.

        With ``"now"`` as the cursor there are none yet; the feed goes on with what happens later. Raises CursorExpired.
        """
        return Feed(lambda cursor: self.event_page(cursor, limit=page_size), after)

    def event_page(self, after: str | None = None, *, limit: int = 100) -> EventPage:
        """Return one page of the changes after a cursor: to keep what it led to and ``next`` in one transaction.

        After ``"now"`` it is empty, and ``next`` is the end of the feed. Raises CursorExpired.
        """
        return parse(self._connection.get("api/events", {"after": after, "limit": limit}), EventPage.read)


class Feed(Iterable[Event]):
    """Changes, in the order in which they were made, up to the present; to go on later, iterate again.

    ``cursor`` is where that would be; keep it, and ``Client.events(cursor)`` misses nothing. It moves on with each
    page, when the event after the page's last is asked for: who stops halfway gets the page's first events again.

    The event ``expired`` can come later than the instant at which a hold expires. A held allocation counts until its
    ``expires``, whether its event has come or not.
    """

    def __init__(self, ask: Callable[[str | None], EventPage], after: str | None) -> None:
        self.cursor = after
        self._ask = ask

    def __iter__(self) -> Iterator[Event]:
        while (page := self._ask(self.cursor)).events:
            yield from page.events
            self.cursor = page.next
        self.cursor = page.next
