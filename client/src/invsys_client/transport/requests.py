"""The requests of a call: a call is a generator that yields requests, gets their outcomes and returns its result."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from invsys_client.errors import AllocationNotFound, ResourceNotFound, Unavailable
from invsys_client.transport.parsing import parse, raise_for_problem, require_no_content

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request; its URL is relative to the base URL, or absolute.

    ``repeatable`` means that executing it twice is impossible or changes nothing, so it can be sent again although an
    earlier attempt may have been executed. The time of a ``follow_up`` counts towards the deadline of the request
    before it.
    """

    method: str
    url: str | httpx2.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] | None = None
    body: Any = None
    repeatable: bool = False
    follow_up: bool = False

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.url.path if isinstance(self.url, httpx2.URL) else self.url


@dataclass(frozen=True)
class Outcome:
    """The outcome of a request with its retries.

    ``response`` is None if an attempt may have been executed and the request is not repeatable; ``error`` is then the
    error of that attempt. ``maybe_repeated``: an attempt before the response may have been executed, too.
    """

    response: httpx2.Response | None
    maybe_repeated: bool
    attempts: int
    error: Exception | None = None


@dataclass(frozen=True)
class Run:
    """A step that calls a function of the caller; an asynchronous client awaits what it returns.

    If the call fails later, ``undo`` is called in the same way.
    """

    function: Callable[[], Any]
    undo: Callable[[], Any] | None = None


Steps = Generator[Request | Run, Any, T]


def get(
    url: str | httpx2.URL,
    params: Mapping[str, Any] | None = None,
    accept: str = "",
    *,
    follow_up: bool = False,
    current: bool = False,
) -> Steps[httpx2.Response]:
    """Send a GET request; ``accept`` is the media type, JSON by default; ``current``: no standby may answer.

    Parameters that are None are omitted; those that are lists are repeated.
    """
    query = None if params is None else {name: value for name, value in params.items() if value is not None}
    headers = {"Accept": accept} if accept else {}
    if current:
        headers["Cache-Control"] = "no-cache"
    request = Request("GET", url, headers, params=query, repeatable=True, follow_up=follow_up)
    return _response(request, (yield request))


def post(url: str, body: Mapping[str, Any], key: str | None) -> Steps[httpx2.Response]:
    """Send a POST request with an Idempotency-Key of 1 to 255 visible ASCII characters (None: generate one)."""
    key = str(uuid.uuid4()) if key is None else key
    if not isinstance(key, str):
        raise TypeError(f"key: {key!r} is not a string")
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValueError(f"key: {key!r} does not consist of 1 to 255 visible ASCII characters")
    request = Request("POST", url, {"Idempotency-Key": key}, body=body, repeatable=True)
    return _response(request, (yield request))


def patch(
    url: str, body: Mapping[str, Any], if_match: Mapping[str, str], *, repeatable: bool = False
) -> Steps[httpx2.Response]:
    """Change an item; ``if_match`` is its header, empty if the change does not depend on the version.

    With If-Match, the change cannot be made twice: if a later attempt gets 412, an earlier one may have made it.
    Without, an attempt that may have been executed is not repeated. In both cases the item is fetched, and returned if
    it has all requested values. No item has the field ``hold_seconds``, nor the vehicle ``any``.
    """
    request = Request("PATCH", url, if_match, body=body, repeatable=repeatable or bool(if_match))
    outcome: Outcome = yield request
    response = outcome.response
    if response is None or (outcome.maybe_repeated and response.status_code == httpx2.codes.PRECONDITION_FAILED):
        current = yield from get(url, follow_up=True)
        requested = json.loads(json.dumps(body))
        if parse(current, lambda item: all(item.get(name) == requested[name] for name in requested)):
            return current
    return _response(request, outcome)


def delete(url: str, if_match: Mapping[str, str]) -> Steps[None]:
    """Delete an item; ids are not used again, so a repeated request cannot delete another one.

    If a later attempt gets 404, an earlier one has probably deleted the item, so the call succeeds. Other servers, such
    as a proxy with a login page, may respond with 200: only 204 means that the item is deleted.
    """
    request = Request("DELETE", url, if_match, repeatable=True)
    outcome: Outcome = yield request
    try:
        response = _response(request, outcome)
    except (ResourceNotFound, AllocationNotFound):
        if not outcome.maybe_repeated:
            raise
    else:
        require_no_content(response)


def _response(request: Request, outcome: Outcome) -> httpx2.Response:
    """Return the response if it is successful; otherwise raise the exception for it."""
    if outcome.response is None:
        raise Unavailable(
            f"{request.method} {request.path}", outcome.attempts, request.headers.get("Idempotency-Key")
        ) from outcome.error
    return raise_for_problem(outcome.response)
