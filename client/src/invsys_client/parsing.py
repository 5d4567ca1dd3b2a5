"""Converts HTTP responses to records or exceptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx2

from invsys_client.errors import ApiError, InvSysError, UnexpectedResponse

T = TypeVar("T")


def parse(response: httpx2.Response, read: Callable[[Any], T]) -> T:
    """Return ``read(document)`` for the JSON document of a response.

    Raises UnexpectedResponse if the body is not JSON, or if ``read`` fails.
    """
    try:
        return read(response.json())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unexpected(response) from error


def parse_item(response: httpx2.Response, read: Callable[[Any, bool], T]) -> T:
    """Parse a vehicle or an allocation; ``read`` also gets whether the response is a replay."""
    return parse(response, lambda document: read(document, is_replay(response)))


def is_replay(response: httpx2.Response) -> bool:
    """Return whether this is the stored response to an earlier request with the same Idempotency-Key."""
    return bool(response.headers.get("Idempotency-Replayed") == "true")


def raise_for_problem(response: httpx2.Response) -> httpx2.Response:
    """Return the response if it is successful; otherwise raise the exception for it."""
    if not response.is_success:
        raise error_from(response)
    return response


def error_from(response: httpx2.Response) -> InvSysError:
    """Return the exception for a response that is not successful."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/problem+json":
        return _unexpected(response)
    try:
        return parse(response, lambda problem: _api_error(response, problem))
    except UnexpectedResponse as error:
        return error


def _api_error(response: httpx2.Response, problem: Mapping[str, Any]) -> ApiError:
    kind = ApiError.kinds.get(problem["code"], ApiError)
    return kind(response.status_code, problem, dict(response.headers))


def _unexpected(response: httpx2.Response) -> UnexpectedResponse:
    return UnexpectedResponse(response.status_code, response.text[:200])
