"""Limits on the rate of requests, per client or address, and on the concurrent requests of a client."""

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from flask import Flask, Response, g, request
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from invsys.chassis.access import proxies
from invsys.gateway import metrics
from invsys.gateway.auth.clients import Client
from invsys.gateway.errors import RateLimited
from invsys.gateway.rate_limit import policies, rates
from invsys.gateway.rate_limit.policies import ANONYMOUS, CONCURRENT, RATE, WRITE_RATE, Policy

logger = logging.getLogger(__name__)

# Seconds; short, so that requests do not wait for a Redis that is down.
_REDIS_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}
# Seconds for which Redis is not used after an error.
_REDIS_PAUSE = 1.0

# The methods that count towards ``write_rate``.
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


# The members of the response header RateLimit, by the names of their policies.
_Members = dict[str, str]


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
        """Add ``RateLimit-Policy`` and ``RateLimit`` to the response of every counted request."""

        @app.after_request
        def add_headers(response: Response) -> Response:
            if (announced := g.get("rate_limits")) is not None:
                policy, members = announced
                response.headers.extend((("RateLimit-Policy", policy), ("RateLimit", ", ".join(members.values()))))
            return response

    def count_address(self, limit: str = ANONYMOUS) -> None:
        """Count the current request by the caller's address, for the setting ``limit``; raises RateLimited."""
        text, members = self._settings[limit], _Members()
        g.rate_limits = policies.field_of_address(limit, text), members
        self._count(policies.policies(limit, text), f"{limit} {proxies.address_key()}", members)

    def count_request(self, client: Client) -> None:
        """Count the current request of the client; raises RateLimited.

        A write counts as a request and as a write. If ``rate`` refuses it, it does not count as a write.
        """
        rate, write_rate, concurrent = self._limits_of(client)
        members = _Members()
        g.rate_limits = policies.field_of_client(rate, write_rate, concurrent), members
        self._count(policies.policies(RATE, rate), f"client {client.id}", members, client.id)
        if request.method in _WRITES:
            what = " of requests that change something"
            self._count(policies.policies(WRITE_RATE, write_rate), _write_key(client), members, client.id, what)

    def count_changes(self, client: Client) -> None:
        """Count the changes of the client's write (``g.changes``) as writes.

        ``count_request`` has already counted the first one.
        """
        further = g.get("changes", 1) - 1
        if further < 1:
            return
        _, members = g.rate_limits
        for policy in policies.policies(WRITE_RATE, self._limits_of(client)[1]):
            _, remaining, seconds = self._hit(policy.rate, _write_key(client), further)
            members[policy.name] = policy.remaining(remaining, seconds)

    def document(self, client: Client) -> list[dict[str, Any]]:
        """Return the limits of the client for a JSON response."""
        return policies.document(*self._limits_of(client))

    def acquire_slot(self, client: Client) -> Callable[[], None]:
        """Take one of the client's concurrency slots; raises RateLimited.

        Return a function that releases the slot. Calling that function again has no effect.
        """
        max_running: int = client.concurrent or self._settings[CONCURRENT]
        _, members = g.rate_limits
        with self._lock:
            remaining = max_running - self._running[client.id] - 1
            if remaining < 0:
                members.clear()
                members[CONCURRENT] = f'"{CONCURRENT}";r=0'
                metrics.count_limited(CONCURRENT, client.id)
                raise RateLimited(f"More than {max_running} concurrent requests.", 1)
            self._running[client.id] += 1
        members[CONCURRENT] = f'"{CONCURRENT}";r={remaining}'
        slot = ExitStack()
        slot.callback(self._release_slot, client)
        return slot.close

    def _limits_of(self, client: Client) -> tuple[str, str, int]:
        """Return the rate, the write rate and the number of concurrent requests of the client."""
        settings = self._settings
        return (
            client.rate or settings[RATE],
            client.write_rate or settings[WRITE_RATE],
            client.concurrent or settings[CONCURRENT],
        )

    def _count(
        self, limit: Sequence[Policy], key: str, members: _Members, client: str | None = None, what: str = ""
    ) -> None:
        """Count a request for every policy of a limit, and add the results to ``members``; raises RateLimited.

        If a policy refuses the request, only this policy stays in ``members``, because clients wait until all listed
        policies allow more requests.
        """
        for policy in limit:
            is_within, remaining, seconds = self._hit(policy.rate, key)
            if not is_within:
                members.clear()
            members[policy.name] = policy.remaining(remaining, seconds)
            if not is_within:
                metrics.count_limited(policy.name, client)
                raise RateLimited(f"More than {policy.rate}{what}.", seconds)

    def _release_slot(self, client: Client) -> None:
        with self._lock:
            self._running[client.id] -= 1
            if not self._running[client.id]:
                del self._running[client.id]

    def _hit(self, rate: RateLimitItem, key: str, cost: int = 1) -> tuple[bool, int, int]:
        """Count ``cost`` requests for one rate.

        Return whether they are within the limit, the remaining requests, and the seconds until the window ends.
        """
        if self._redis is not None and time.monotonic() > self._redis_paused_until:
            try:
                return _hit_redis(self._redis, rate, key, cost)
            except StorageError as error:
                logger.warning("Redis cannot be used, this process counts requests separately: %s", error)
                self._redis_paused_until = time.monotonic() + _REDIS_PAUSE
        count, ends = self._local.add((key, rate), rate.get_expiry(), cost)
        return count <= rate.amount, max(0, rate.amount - count), _seconds_until(ends)


def _redis_limiter(storage: str) -> FixedWindowRateLimiter | None:
    if not storage.startswith("redis"):
        return None
    return FixedWindowRateLimiter(storage_from_string(storage, wrap_exceptions=True, **_REDIS_TIMEOUTS))


def _write_key(client: Client) -> str:
    return f"writes of client {client.id}"


def _hit_redis(limiter: FixedWindowRateLimiter, rate: RateLimitItem, key: str, cost: int) -> tuple[bool, int, int]:
    is_within = limiter.hit(rate, key, cost=cost)
    window = limiter.get_window_stats(rate, key)
    return is_within, max(0, window.remaining), _seconds_until(window.reset_time)


def _seconds_until(end: float) -> int:
    return max(1, math.ceil(end - time.time()))
