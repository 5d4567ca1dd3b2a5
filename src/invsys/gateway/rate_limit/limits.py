"""Not too much: how many requests a client may send in a time, and how many at once."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from flask import Flask, Response, g, request
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from invsys.chassis.access import proxies
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import RateLimited
from invsys.gateway.rate_limit import rates
from invsys.gateway.rate_limit.counters import Counters

logger = logging.getLogger(__name__)

# Seconds: a Redis that is away must not hold up anybody.
_REDIS_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
_PAUSE = 1.0

# The methods that ``write_rate`` counts.
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Left(NamedTuple):
    """What a client is told of its limit: requests in all, those that are left, seconds until it begins anew."""

    limit: int
    remaining: int
    seconds: int

    def is_tighter_than(self, other: "Left") -> bool:
        """Return whether this limit leaves fewer requests, or as few for longer."""
        return (self.remaining, -self.seconds) < (other.remaining, -other.seconds)


class Limits:
    """The limits; ``settings`` is the section ``[limits]``, whose values hold where a client has none.

    Rates are counted in each process, or in Redis, by all processes and gateways together. While Redis is away each
    process counts by itself.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._own = Counters()
        self._shared = _shared(settings["storage"])
        self._away_until = float("-inf")

    def register(self, app: Flask) -> None:
        """Tell every caller of ``app`` that was counted what is left."""

        @app.after_request
        def tell(answer: Response) -> Response:
            # draft-ietf-httpapi-ratelimit-headers-03: seconds from now, not an instant.
            if (left := g.get("left")) is not None:
                answer.headers.extend(
                    (
                        ("RateLimit-Limit", str(left.limit)),
                        ("RateLimit-Remaining", str(left.remaining)),
                        ("RateLimit-Reset", str(left.seconds)),
                    )
                )
            return answer

    def count(self, client: Client | None) -> None:
        """Count a request of a client, or of an unknown caller at this address; raises RateLimited.

        A client's write counts as a request and as a write. If ``rate`` refuses it, it does not count as a write.
        """
        if client is None:
            g.left = self._count(f"address {proxies.address_key()}", self._settings["anonymous"])
            return
        g.left = self._count(f"client {client.id}", client.rate or self._settings["rate"])
        if request.method in _WRITES:
            left = self._count(_writes_of(client), self._write_rate(client), " of requests that change something")
            if left.is_tighter_than(g.left):
                g.left = left

    def count_changes(self, client: Client) -> None:
        """Count the changes of the client's write (``g.changes``) as writes, except the first: ``count`` counted it."""
        further = g.get("changes", 1) - 1
        if further < 1:
            return
        for rate in rates.read(self._write_rate(client)):
            _, left = self._hit(rate, _writes_of(client), further)
            if left.is_tighter_than(g.left):
                g.left = left

    def enter(self, client: Client) -> Callable[[], None]:
        """Let a request in while fewer of the client's are inside than may; gives what to call when it leaves.

        Raises RateLimited.
        """
        most = client.concurrent or self._settings["concurrent"]
        with self._lock:
            if self._running[client.id] >= most:
                raise RateLimited(f"More than {most} requests at once.", 1)
            self._running[client.id] += 1
        leaving = ExitStack()
        leaving.callback(self._leave, client)
        return leaving.close

    def _write_rate(self, client: Client) -> str:
        text: str = client.write_rate or self._settings["write_rate"]
        return text

    def _count(self, name: str, text: str, what: str = "") -> Left:
        """Count a request by every rate in the text, and return the tightest limit; raises RateLimited."""
        tightest = None
        for rate in rates.read(text):
            is_within, left = self._hit(rate, name)
            if not is_within:
                g.left = left
                raise RateLimited(f"More than {rate}{what}.", left.seconds)
            if tightest is None or left.is_tighter_than(tightest):
                tightest = left
        assert tightest is not None  # the settings and the clients' file refuse a text without a rate
        return tightest

    def _leave(self, client: Client) -> None:
        with self._lock:
            self._running[client.id] -= 1
            if not self._running[client.id]:
                del self._running[client.id]

    def _hit(self, rate: RateLimitItem, name: str, cost: int = 1) -> tuple[bool, Left]:
        if self._shared is not None and time.monotonic() > self._away_until:
            try:
                return _hit(self._shared, rate, name, cost)
            except StorageError as error:
                logger.warning("the limits are counted by this process: %s", error)
                self._away_until = time.monotonic() + _PAUSE
        number, ends = self._own.count((name, rate), rate.get_expiry(), cost)
        return number <= rate.amount, _left(rate.amount, rate.amount - number, ends)


def _shared(storage: str) -> FixedWindowRateLimiter | None:
    if not storage.startswith("redis"):
        return None
    return FixedWindowRateLimiter(storage_from_string(storage, wrap_exceptions=True, **_REDIS_TIMEOUTS))


def _writes_of(client: Client) -> str:
    return f"writes of client {client.id}"


def _hit(limiter: FixedWindowRateLimiter, rate: RateLimitItem, name: str, cost: int) -> tuple[bool, Left]:
    is_within = limiter.hit(rate, name, cost=cost)
    window = limiter.get_window_stats(rate, name)
    return is_within, _left(rate.amount, window.remaining, window.reset_time)


def _left(limit: int, remaining: int, ends: float) -> Left:
    return Left(limit, max(0, remaining), max(1, math.ceil(ends - time.time())))
