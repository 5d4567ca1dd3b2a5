"""Retries with exponential backoff and full jitter, without input or output.

``execute`` yields what a connection has to do: make an attempt, or pause. A retried POST sends the same
Idempotency-Key, so it is executed at most once. Requests that are not repeatable are sent again only if no attempt can
have been executed.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import httpx2

from invsys_client.errors import Busy, KeysUnavailable, SlowBodies, TooManyHolds, Unavailable
from invsys_client.transport.parsing import error_from
from invsys_client.transport.requests import Outcome, Request, Run, Steps

T = TypeVar("T")

# Methods, paths, statuses, durations and ids of requests; never headers, queries or bodies.
_logger = logging.getLogger("invsys_client")

_RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_NOT_EXECUTED = (Busy, KeysUnavailable, SlowBodies)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
CONNECTION_ERRORS = (
    *_NEVER_SENT,
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.DecodingError,
)

# The maximum of the random pause doubles with each attempt, from the first to the second value (seconds).
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
# Sockets refuse longer timeouts than some decades (seconds).
_LONGEST_ATTEMPT = 1e6


@dataclass(frozen=True)
class Limits:
    """The limits of a request: ``attempts``, the seconds of each step of an attempt, and those of all attempts."""

    attempts: int
    timeout: float
    deadline: float

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise ValueError(f"attempts: {self.attempts!r} is not an integer of at least 1")
        for name in ("timeout", "deadline"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
                raise ValueError(f"{name}: {seconds!r} is not a positive number of seconds")


class Attempt(NamedTuple):
    """An attempt to send a request; ``timeout`` limits each of its steps, ``seconds`` all of them together."""

    request: Request
    timeout: float
    seconds: float


class Pause(NamedTuple):
    """A pause between two attempts."""

    seconds: float


Action = Attempt | Pause | Run


class _Failure(NamedTuple):
    """A failed attempt that can be retried after at least ``wait`` seconds.

    ``maybe_executed``: the service may have executed the request, and only its response was lost.
    """

    error: Exception
    wait: float
    maybe_executed: bool


def execute(steps: Steps[T], limits: Limits, clock: Callable[[], float]) -> Generator[Action, Any, T]:
    """Yield the actions of a call and return its result.

    The connection sends the response to an Attempt, or one of CONNECTION_ERRORS, and the result of a Run.
    """
    reply: Any = None
    deadline = 0.0
    while True:
        try:
            step = steps.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result
        if isinstance(step, Run):
            reply = yield step
            continue
        if not step.follow_up:
            deadline = clock() + limits.deadline
        reply = yield from _attempts(step, limits, deadline, clock)


def _attempts(
    request: Request, limits: Limits, deadline: float, clock: Callable[[], float]
) -> Generator[Action, Any, Outcome]:
    maybe_executed, attempt = False, 0
    while True:
        attempt += 1
        start = clock()
        # A follow-up can begin when nothing is left of the time; it gets a short attempt.
        seconds = min(max(deadline - start, _FIRST_PAUSE), _LONGEST_ATTEMPT)
        reply = yield Attempt(request, min(limits.timeout, seconds), seconds)
        _log(request, attempt, reply, clock() - start)
        result = _judge(reply)
        if isinstance(result, httpx2.Response):
            return Outcome(result, maybe_executed, attempt)
        maybe_executed = maybe_executed or result.maybe_executed
        if maybe_executed and not request.repeatable:
            return Outcome(None, maybe_executed, attempt, result.error)
        pause = result.wait + _jitter(attempt)
        if attempt >= limits.attempts or clock() + pause >= deadline:
            key = request.headers.get("Idempotency-Key")
            raise Unavailable(f"{request.method} {request.path}", attempt, key) from result.error
        _logger.info("%s %s: retry in %.1f s", request.method, request.path, pause)
        yield Pause(pause)


def _log(request: Request, attempt: int, reply: httpx2.Response | Exception, seconds: float) -> None:
    if isinstance(reply, Exception):
        outcome, request_id = type(reply).__name__, None
    else:
        outcome, request_id = str(reply.status_code), reply.headers.get("X-Request-Id")
    _logger.debug(
        "%s %s: %s, attempt %d, %.0f ms, request %s",
        request.method,
        request.path,
        outcome,
        attempt,
        seconds * 1000,
        request_id,
    )


def _judge(reply: httpx2.Response | Exception) -> httpx2.Response | _Failure:
    """Return the response, or the failure if the attempt can be retried."""
    if isinstance(reply, Exception):
        return _Failure(reply, 0.0, not isinstance(reply, _NEVER_SENT))
    if reply.status_code not in _RETRIED_STATUSES:
        return reply
    problem = error_from(reply)
    if isinstance(problem, TooManyHolds):
        return reply
    not_executed = reply.status_code == httpx2.codes.TOO_MANY_REQUESTS or isinstance(problem, _NOT_EXECUTED)
    return _Failure(problem, _retry_after(reply), not not_executed)


def _retry_after(response: httpx2.Response) -> float:
    """Return the seconds to wait; the header can also contain a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0.0


def _jitter(attempt: int) -> float:
    # With full jitter, callers that failed at the same time do not retry at the same time.
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return random.uniform(0, longest)  # noqa: S311 - not security-relevant
