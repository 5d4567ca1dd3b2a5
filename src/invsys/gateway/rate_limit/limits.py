"""Limits on the rate of requests, per client or address, and on the concurrent requests of a client."""

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

logger = logging.getLogger(__name__)

# Seconds; short, so that requests do not wait for a Redis that is down.
_REDIS_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
# Seconds for which Redis is not used after an error.
_REDIS_PAUSE = 1.0

# The methods that count towards ``write_rate``.
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class LimitState(NamedTuple):
    """The state of a limit: allowed requests per window, remaining requests, seconds until the window ends."""

    limit: int
    remaining: int
    seconds: int

    def is_tighter_than(self, other: "LimitState") -> bool:
        """Return whether this limit has fewer remaining requests, or as many in a window that ends later."""
        return (self.remaining, -self.seconds) < (other.remaining, -other.seconds)


class Limits:
    """The limits; ``settings`` is the section ``[limits]``, which applies to clients without individual limits.

    Requests are counted separately in each process, or in Redis for all processes and gateways together. While Redis is
    down, each process counts separately.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        # Concurrent requests by client id.
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._local = rates.FixedWindowCounters()
        self._redis = _redis_limiter(settings["storage"])
        self._redis_paused_until = float("-inf")

    def register(self, app: Flask) -> None:
        """Add the ``RateLimit-*`` headers to the response of every counted request."""

        @app.after_request
        def add_headers(response: Response) -> Response:
            # draft-ietf-httpapi-ratelimit-headers-03: Reset is in seconds from now, not a date.
            if (state := g.get("limit_state")) is not None:
                response.headers.extend(
                    (
                        ("RateLimit-Limit", str(state.limit)),
                        ("RateLimit-Remaining", str(state.remaining)),
                        ("RateLimit-Reset", str(state.seconds)),
                    )
                )
            return response

    def count_request(self, client: Client | None) -> None:
        """Count the current request, by client or, if ``client`` is None, by the caller's address; raises RateLimited.

        A client's write counts as a request and as a write. If ``rate`` refuses it, it does not count as a write.
        """
        if client is None:
            g.limit_state = self._count(f"address {proxies.address_key()}", self._settings["anonymous"])
            return
        g.limit_state = self._count(f"client {client.id}", client.rate or self._settings["rate"])
        if request.method in _WRITES:
            _keep_tighter(
                self._count(_write_key(client), self._write_rate(client), " of requests that change something")
            )

    def count_changes(self, client: Client) -> None:
        """Count the changes of the client's write (``g.changes``) as writes.

        ``count_request`` has already counted the first one.
        """
        further = g.get("changes", 1) - 1
        if further < 1:
            return
        for rate in rates.parse(self._write_rate(client)):
            _, state = self._hit(rate, _write_key(client), further)
            _keep_tighter(state)

    def acquire_slot(self, client: Client) -> Callable[[], None]:
        """Take one of the client's concurrency slots; raises RateLimited.

        Return a function that releases the slot. Calling that function again has no effect.
        """
        max_running = client.concurrent or self._settings["concurrent"]
        with self._lock:
            if self._running[client.id] >= max_running:
                raise RateLimited(f"More than {max_running} concurrent requests.", 1)
            self._running[client.id] += 1
        slot = ExitStack()
        slot.callback(self._release_slot, client)
        return slot.close

    def _write_rate(self, client: Client) -> str:
        text: str = client.write_rate or self._settings["write_rate"]
        return text

    def _count(self, key: str, text: str, what: str = "") -> LimitState:
        """Count a request for every rate in the text, and return the state of the tightest one; raises RateLimited."""
        tightest = None
        for rate in rates.parse(text):
            is_within, state = self._hit(rate, key)
            if not is_within:
                g.limit_state = state
                raise RateLimited(f"More than {rate}{what}.", state.seconds)
            if tightest is None or state.is_tighter_than(tightest):
                tightest = state
        assert tightest is not None  # the settings and the clients file reject a text without a rate
        return tightest

    def _release_slot(self, client: Client) -> None:
        with self._lock:
            self._running[client.id] -= 1
            if not self._running[client.id]:
                del self._running[client.id]

    def _hit(self, rate: RateLimitItem, key: str, cost: int = 1) -> tuple[bool, LimitState]:
        """Count a request for one rate; return whether it is within the limit, and the state of the limit."""
        if self._redis is not None and time.monotonic() > self._redis_paused_until:
            try:
                return _hit_redis(self._redis, rate, key, cost)
            except StorageError as error:
                logger.warning("Redis cannot be used, this process counts requests separately: %s", error)
                self._redis_paused_until = time.monotonic() + _REDIS_PAUSE
        count, ends = self._local.add((key, rate), rate.get_expiry(), cost)
        return count <= rate.amount, _state(rate.amount, rate.amount - count, ends)


def _keep_tighter(state: LimitState) -> None:
    """Set ``g.limit_state``, from which the response headers are made, to this limit if it is tighter."""
    if state.is_tighter_than(g.limit_state):
        g.limit_state = state


def _redis_limiter(storage: str) -> FixedWindowRateLimiter | None:
    if not storage.startswith("redis"):
        return None
    return FixedWindowRateLimiter(storage_from_string(storage, wrap_exceptions=True, **_REDIS_TIMEOUTS))


def _write_key(client: Client) -> str:
    return f"writes of client {client.id}"


def _hit_redis(limiter: FixedWindowRateLimiter, rate: RateLimitItem, key: str, cost: int) -> tuple[bool, LimitState]:
    is_within = limiter.hit(rate, key, cost=cost)
    window = limiter.get_window_stats(rate, key)
    return is_within, _state(rate.amount, window.remaining, window.reset_time)


def _state(limit: int, remaining: int, ends: float) -> LimitState:
    return LimitState(limit, max(0, remaining), max(1, math.ceil(ends - time.time())))
