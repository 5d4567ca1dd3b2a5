"""Not too much: how many requests a client may send in a time, and how many at once."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g
from flask_limiter import Limiter, RateLimitExceeded

from invsys.chassis.problems import problem_answer
from invsys.gateway import addresses
from invsys.gateway.clients import Client
from invsys.gateway.counters import Counters
from invsys.gateway.errors import RateLimited

# Seconds: a Redis that is away must not hold up anybody.
_REDIS_TIMEOUTS: dict[str, Any] = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}


class Limits:
    """The limits; ``settings`` is the section ``[limits]``, whose values hold where a client has none.

    Who is to be counted has to be known before: ``g.client`` (None: by address), and ``g.counted``. Rates are counted
    in each process, or in Redis, by all processes and gateways together. While Redis is away each process counts by
    itself.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        storage = settings["storage"].replace("memory:", f"{Counters.STORAGE_SCHEME[0]}:")
        self._limiter = Limiter(
            _key,
            application_limits=[self._rate],
            application_limits_exempt_when=lambda: not g.counted,
            request_identifier=lambda: "all",
            strategy="fixed-window",
            storage_uri=storage,
            storage_options=_REDIS_TIMEOUTS if storage.startswith("redis") else {},
            in_memory_fallback_enabled=True,
        )

    def register(self, app: Flask) -> None:
        """Count the requests of ``app``, refuse what is too much, and tell every caller what is left."""
        self._limiter.init_app(app)
        app.register_error_handler(RateLimitExceeded, self._refused)
        app.after_request(self._tell)

    def enter(self, client: Client) -> Callable[[], None]:
        """Let a request in while fewer of the client's are inside than may; gives what to call when it leaves.

        Raises RateLimited.
        """
        most = client.concurrent or self._settings["concurrent"]
        with self._lock:
            if self._running[client.id] >= most:
                raise RateLimited(f"More than {most} requests at once.", 1)
            self._running[client.id] += 1
        is_inside = [True]
        return lambda: self._leave(client, is_inside)

    def _leave(self, client: Client, is_inside: list[bool]) -> None:
        with self._lock:
            if not is_inside:
                return  # it has left already
            is_inside.clear()
            self._running[client.id] -= 1
            if not self._running[client.id]:
                del self._running[client.id]

    def _rate(self) -> str:
        client: Client | None = g.client
        rate: str = self._settings["anonymous"] if client is None else client.rate or self._settings["rate"]
        return rate

    def _refused(self, error: RateLimitExceeded) -> Response:
        return problem_answer(RateLimited(f"More than {error.limit.limit}.", self._seconds_left()))

    def _seconds_left(self) -> int:
        current = self._limiter.current_limit
        return max(1, math.ceil(current.reset_at - time.time())) if current else 1

    def _tell(self, answer: Response) -> Response:
        # draft-ietf-httpapi-ratelimit-headers-03: seconds from now, not an instant.
        if (current := self._limiter.current_limit) is not None:
            seconds = max(1, math.ceil(current.reset_at - time.time()))
            answer.headers.extend(
                (
                    ("RateLimit-Limit", str(current.limit.amount)),
                    ("RateLimit-Remaining", str(max(0, current.remaining))),
                    ("RateLimit-Reset", str(seconds)),
                )
            )
        return answer


def _key() -> str:
    client: Client | None = g.client
    return f"client {client.id}" if client else f"address {addresses.current()}"
