"""Requests with retries: exponential backoff with full jitter.

A retried POST sends the same Idempotency-Key, so it is executed at most once.
"""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import httpx2

from invsys_client.errors import (
    AllocationNotFound,
    Busy,
    KeysUnavailable,
    ResourceNotFound,
    TooManyHolds,
    Unavailable,
    UnexpectedResponse,
)
from invsys_client.parsing import error_from, parse, raise_for_problem
from invsys_client.payloads import Match, if_match_header

T = TypeVar("T")

_RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_CONNECTION_ERRORS = (
    *_NEVER_SENT,
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    httpx2.DecodingError,
)

# The maximum of the random pause doubles with each attempt, from the first to the second value (seconds).
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Retries:
    """The limits of retries: at most ``attempts``, the last of which starts within ``give_up_after`` seconds."""

    attempts: int
    give_up_after: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")


class _Failure(NamedTuple):
    """A failed attempt that can be retried after at least ``wait`` seconds.

    ``maybe_executed``: the service may have executed the request, and only its response was lost.
    """

    error: Exception
    wait: float
    maybe_executed: bool


class _Outcome(NamedTuple):
    """A response; ``maybe_repeated``: the service may have executed an earlier attempt, whose response was lost."""

    response: httpx2.Response
    maybe_repeated: bool


class Connection:
    """The HTTP connection to the service. URLs are relative to the base URL, or absolute."""

    def __init__(self, http: httpx2.Client, retries: Retries) -> None:
        self._http = http
        self._retries = retries

    def close(self) -> None:
        """Close the open connections."""
        self._http.close()

    def get(self, url: str | httpx2.URL, params: Mapping[str, Any] | None = None, accept: str = "") -> httpx2.Response:
        """Send a GET request; ``accept`` is the media type, JSON by default.

        Parameters that are None are omitted; those that are lists are repeated.
        """
        query = None if params is None else {name: value for name, value in params.items() if value is not None}
        headers = {"Accept": accept} if accept else {}
        return raise_for_problem(self._send("GET", url, params=query, headers=headers).response)

    def post(self, url: str, body: Mapping[str, Any], key: str | None) -> httpx2.Response:
        """Send a POST request with an Idempotency-Key of 1 to 255 visible ASCII characters (None: generate one)."""
        key = str(uuid.uuid4()) if key is None else key
        if not re.fullmatch(r"[!-~]{1,255}", key):
            raise ValueError(f"the key {key!r} must consist of 1 to 255 visible ASCII characters")
        return raise_for_problem(self._send("POST", url, json=body, headers={"Idempotency-Key": key}).response)

    def patch(self, url: str, body: Mapping[str, Any], if_match: Match) -> httpx2.Response:
        """Change an item, if it still has the version ``if_match``.

        If a later attempt gets 412, an earlier one may have made the change. The item is then fetched, and returned if
        it has all requested values. No item has the field ``hold_seconds``, so such a change raises VersionMismatch.
        """
        response, maybe_repeated = self._send("PATCH", url, json=body, headers=if_match_header(if_match))
        if maybe_repeated and response.status_code == httpx2.codes.PRECONDITION_FAILED:
            current = self.get(url)
            requested = json.loads(response.request.content)
            if parse(current, lambda item: all(item.get(name) == requested[name] for name in requested)):
                return current
        return raise_for_problem(response)

    def delete(self, url: str, if_match: Match) -> None:
        """Delete an item, if it still has the version ``if_match``.

        If a later attempt gets 404, an earlier one has probably deleted the item, so the call succeeds.
        """
        response, maybe_repeated = self._send("DELETE", url, headers=if_match_header(if_match))
        if response.is_success:
            return
        error = error_from(response)
        if not (maybe_repeated and isinstance(error, ResourceNotFound | AllocationNotFound)):
            raise error

    def pages(self, url: str, params: Mapping[str, Any], read_item: Callable[[Any], T]) -> Iterator[T]:
        """Yield the items of all pages of a list; the ``next`` links lead from page to page (RFC 8288)."""
        response = self.get(url, params)
        while True:
            yield from parse(response, lambda items: [read_item(item) for item in items])
            if "next" not in response.links:
                return
            response = self.get(_next_url(response))

    def _send(self, method: str, url: str | httpx2.URL, headers: Mapping[str, str], **request: Any) -> _Outcome:
        deadline = self._retries.clock() + self._retries.give_up_after
        maybe_executed, attempt = False, 0
        while True:
            attempt += 1
            result = self._try(method, url, headers=headers, **request)
            if isinstance(result, httpx2.Response):
                return _Outcome(result, maybe_executed)
            pause = result.wait + _jitter(attempt)
            if attempt >= self._retries.attempts or self._retries.clock() + pause > deadline:
                raise Unavailable(f"{method} {url}", attempt, headers.get("Idempotency-Key")) from result.error
            maybe_executed = maybe_executed or result.maybe_executed
            self._retries.sleep(pause)

    def _try(self, method: str, url: str | httpx2.URL, **request: Any) -> httpx2.Response | _Failure:
        try:
            response = self._http.request(method, url, **request)
        except _CONNECTION_ERRORS as error:
            return _Failure(error, 0.0, not isinstance(error, _NEVER_SENT))
        if response.status_code not in _RETRIED_STATUSES:
            return response
        problem = error_from(response)
        if isinstance(problem, TooManyHolds):
            return response
        not_executed = response.status_code == httpx2.codes.TOO_MANY_REQUESTS or isinstance(
            problem, Busy | KeysUnavailable
        )
        return _Failure(problem, _retry_after(response), not not_executed)


def _next_url(response: httpx2.Response) -> httpx2.URL:
    url = response.url.join(response.links["next"]["url"])
    # The token must not be sent to another server.
    if (url.scheme, url.host, url.port) != (response.url.scheme, response.url.host, response.url.port):
        raise UnexpectedResponse(response.status_code, f"the next page is at {url}")
    # Keep the path of the request: if a reverse proxy removes a path prefix, the link does not contain it.
    return response.url.copy_with(query=url.query)


def _retry_after(response: httpx2.Response) -> float:
    """Return the seconds to wait; the header can also contain a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _jitter(attempt: int) -> float:
    # With full jitter, callers that failed at the same time do not retry at the same time.
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return random.uniform(0, longest)  # noqa: S311 - not security-relevant
