"""Converts HTTP responses to records or exceptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from invsys_client.errors import ApiError, InvSysError, UnexpectedResponse
from invsys_client.records import Allocation, Resource

T = TypeVar("T")

# The header Date has whole seconds.
_RESOLUTION = timedelta(seconds=1)

# What reading a malformed document raises; RecursionError is raised for one that is nested too deep.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


def parse(response: httpx2.Response, read: Callable[[Any], T]) -> T:
    """Return ``read(document)`` for the JSON document of a response.

    Raises UnexpectedResponse if the body is not JSON, or if ``read`` fails.
    """
    try:
        return read(response.json())
    except MALFORMED as error:
        raise unexpected(response) from error


def parse_calendar(response: httpx2.Response) -> str:
    """Return the iCalendar text in a response (RFC 5545); raises UnexpectedResponse if it is something else."""
    if _media_type(response) != "text/calendar":
        raise unexpected(response)
    try:
        return response.content.decode()
    except UnicodeDecodeError as error:
        raise unexpected(response) from error


def require_no_content(response: httpx2.Response) -> None:
    """Raise UnexpectedResponse if the status is not 204."""
    if response.status_code != httpx2.codes.NO_CONTENT:
        raise unexpected(response)


def parse_resource(response: httpx2.Response) -> Resource:
    """Return the vehicle in a response."""
    return parse(response, lambda document: Resource.from_json(document, _is_replay(response)))


def parse_allocation(response: httpx2.Response) -> Allocation:
    """Return the allocation in a response."""
    return parse(response, allocation_reader(response))


def parse_allocations(response: httpx2.Response) -> list[Allocation]:
    """Return the allocations in a response."""
    return parse(response, lambda items: list(map(allocation_reader(response), items)))


def allocation_reader(response: httpx2.Response) -> Callable[[Any], Allocation]:
    """Return a function that creates an allocation from a document in this response, which has just arrived."""
    replayed, offset = _is_replay(response), server_offset(response)
    return lambda document: Allocation.from_json(document, replayed, offset)


def server_offset(response: httpx2.Response) -> timedelta:
    """Return what to add to this machine's clock to get the server's, zero if both agree within a second.

    The header Date (RFC 9110, 6.6.1) of a response that has just arrived is at most as late as the server's clock.
    """
    try:
        date = parsedate_to_datetime(response.headers.get("Date", "")).astimezone(timezone.utc)
        least = date - datetime.now(timezone.utc)
    except (ValueError, OverflowError, TypeError):
        return timedelta()
    most = least + _RESOLUTION + _elapsed(response)
    return max(least, min(most, timedelta()))


def _elapsed(response: httpx2.Response) -> timedelta:
    """Return how long the response took; responses that come from no connection do not have this time."""
    try:
        return response.elapsed
    except RuntimeError:
        return timedelta()


def raise_for_problem(response: httpx2.Response) -> httpx2.Response:
    """Return the response if it is successful; otherwise raise the exception for it."""
    if not response.is_success:
        raise error_from(response)
    return response


def error_from(response: httpx2.Response) -> InvSysError:
    """Return the exception for a response that is not successful."""
    if _media_type(response) != "application/problem+json":
        return unexpected(response)
    try:
        return parse(response, lambda problem: _api_error(response, problem))
    except UnexpectedResponse as error:
        return error


def _is_replay(response: httpx2.Response) -> bool:
    """Return whether this is the stored response to an earlier request with the same Idempotency-Key."""
    return bool(response.headers.get("Idempotency-Replayed") == "true")


def _api_error(response: httpx2.Response, problem: Mapping[str, Any]) -> ApiError:
    kind = ApiError.kinds.get(problem["code"], ApiError)
    return kind(response.status_code, problem, dict(response.headers))


def unexpected(response: httpx2.Response) -> UnexpectedResponse:
    """Return the exception for a response that is not from the service, or is malformed."""
    # Four bytes are enough for each character. The encoding that the response names may be anything.
    return UnexpectedResponse(response.status_code, response.content[:800].decode("utf-8", "replace")[:200])


def _media_type(response: httpx2.Response) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
