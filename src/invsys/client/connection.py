"""Requests that survive lost answers: sent again after growing pauses, and never carried out twice."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar

import httpx

from invsys.client.errors import (
    AllocationNotFound,
    Busy,
    KeysUnavailable,
    ResourceNotFound,
    TooManyHolds,
    Unavailable,
    UnexpectedAnswer,
)
from invsys.client.parsing import parse, raise_for_problem, refusal

T = TypeVar("T")

_RETRIED = frozenset({429, 502, 503, 504})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_LOST = (
    *_NEVER_SENT,
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
)

# Seconds; a pause is up to the first, twice that after the next attempt, and so on.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is tried, and until how many seconds after its first attempt another may begin."""

    attempts: int
    give_up_after: float
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("a request takes at least one attempt")


class _Failure(NamedTuple):
    """Why an attempt is to be followed by another, not sooner than ``wait`` seconds from now."""

    error: Exception
    wait: float
    may_be_done: bool


class _Outcome(NamedTuple):
    """An answer; ``may_be_second``: an attempt before may have been carried out, and only its answer lost."""

    answer: httpx.Response
    may_be_second: bool


class Connection:
    """The service as seen over HTTP. Its URLs are relative to the base URL, or absolute."""

    def __init__(self, http: httpx.Client, retries: Retries) -> None:
        self._http = http
        self._retries = retries

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    def get(self, url: str | httpx.URL, params: Mapping[str, Any] | None = None, accept: str = "") -> httpx.Response:
        """Ask; ``params`` that are None are left out. JSON is what is accepted, unless ``accept`` says other."""
        query = None if params is None else {name: value for name, value in params.items() if value is not None}
        headers = {"Accept": accept} if accept else {}
        return raise_for_problem(self._send("GET", url, params=query, headers=headers).answer)

    def post(self, url: str, body: Mapping[str, Any], key: str | None) -> httpx.Response:
        """Give an order, under a key (1 to 255 visible ASCII characters) that is made where the caller has none."""
        key = str(uuid.uuid4()) if key is None else key
        if not re.fullmatch(r"[!-~]{1,255}", key):
            raise ValueError(f"{key!r} is no key: it takes 1 to 255 visible ASCII characters")
        return raise_for_problem(self._send("POST", url, json=body, headers={"Idempotency-Key": key}).answer)

    def patch(self, url: str, body: Mapping[str, Any], if_match: str | None) -> httpx.Response:
        """Change an item, where it still has the ETag ``if_match``, if given.

        The second of two attempts can meet the change that the first one made; then it is done. Not so for
        ``hold_seconds``, which cannot be seen afterwards: that is a VersionMismatch.
        """
        answer, may_be_second = self._send("PATCH", url, json=body, headers=_if_match(if_match))
        if may_be_second and answer.status_code == httpx.codes.PRECONDITION_FAILED:
            now = self.get(url)
            asked = json.loads(answer.request.content)
            if parse(now, lambda item: all(item.get(name) == asked[name] for name in asked)):
                return now
        return raise_for_problem(answer)

    def delete(self, url: str, if_match: str | None) -> None:
        """Remove an item, where it still has the ETag ``if_match``, if given.

        The second of two attempts can find it removed by the first one; then it is done.
        """
        answer, may_be_second = self._send("DELETE", url, headers=_if_match(if_match))
        if answer.is_success:
            return
        refused = refusal(answer)
        if not (may_be_second and isinstance(refused, ResourceNotFound | AllocationNotFound)):
            raise refused

    def pages(self, url: str, params: Mapping[str, Any], read: Callable[[Any], T]) -> Iterator[T]:
        """Read the items of every page of a list, as the links lead from one to the next (RFC 8288)."""
        answer = self.get(url, params)
        while True:
            yield from parse(answer, lambda items: [read(item) for item in items])
            if "next" not in answer.links:
                return
            answer = self.get(_following(answer))

    def _send(self, method: str, url: str | httpx.URL, headers: Mapping[str, str], **request: Any) -> _Outcome:
        deadline = self._retries.clock() + self._retries.give_up_after
        may_be_done, attempt = False, 0
        while True:
            attempt += 1
            result = self._try(method, url, headers=headers, **request)
            if isinstance(result, httpx.Response):
                return _Outcome(result, may_be_done)
            pause = result.wait + _jitter(attempt)
            if attempt >= self._retries.attempts or self._retries.clock() + pause > deadline:
                raise Unavailable(f"{method} {url}", attempt, headers.get("Idempotency-Key")) from result.error
            may_be_done = may_be_done or result.may_be_done
            self._retries.sleep(pause)

    def _try(self, method: str, url: str | httpx.URL, **request: Any) -> httpx.Response | _Failure:
        try:
            answer = self._http.request(method, url, **request)
        except _LOST as error:
            return _Failure(error, 0.0, not isinstance(error, _NEVER_SENT))
        if answer.status_code not in _RETRIED:
            return answer
        refused = refusal(answer)
        if isinstance(refused, TooManyHolds):
            return answer
        was_turned_away = answer.status_code == httpx.codes.TOO_MANY_REQUESTS or isinstance(
            refused, Busy | KeysUnavailable
        )
        return _Failure(refused, _retry_after(answer), not was_turned_away)


def _if_match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}


def _following(answer: httpx.Response) -> httpx.URL:
    url = answer.url.join(answer.links["next"]["url"])
    # The token goes with every request, and belongs to nobody else.
    if (url.scheme, url.host, url.port) != (answer.url.scheme, answer.url.host, answer.url.port):
        raise UnexpectedAnswer(answer.status_code, f"the next page is at {url}")
    # The path stays as it is seen from here: the service does not know of a prefix that a gateway takes away.
    return answer.url.copy_with(query=url.query)


def _retry_after(answer: httpx.Response) -> float:
    """Give the seconds to wait, which a server may also write as a date (RFC 9110, 10.2.3)."""
    value = answer.headers.get("Retry-After", "")
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _jitter(attempt: int) -> float:
    # Anything from nothing to the whole pause: callers that failed together do not come back together.
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return random.uniform(0, longest)  # noqa: S311 - guards nothing
