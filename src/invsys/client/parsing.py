"""From an answer of HTTP to a record, or to the exception that it stands for."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from invsys.client.errors import ApiError, InvSysError, UnexpectedAnswer

T = TypeVar("T")


def parse(answer: httpx.Response, read: Callable[[Any], T]) -> T:
    """Read an answer's JSON; UnexpectedAnswer where it is none, or lacks what ``read`` looks for."""
    try:
        return read(answer.json())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unexpected(answer) from error


def item(answer: httpx.Response, read: Callable[[Any, str | None, bool], T]) -> T:
    """Read one vehicle or allocation, and what the headers say of it."""
    return parse(answer, lambda document: read(document, answer.headers.get("ETag"), replayed(answer)))


def replayed(answer: httpx.Response) -> bool:
    """Say whether this is the stored answer to an order that had been carried out before."""
    return bool(answer.headers.get("Idempotency-Replayed") == "true")


def raise_for_problem(answer: httpx.Response) -> httpx.Response:
    """Give the answer back, if it is a success; else raise what it stands for."""
    if not answer.is_success:
        raise refusal(answer)
    return answer


def refusal(answer: httpx.Response) -> InvSysError:
    """Give the exception for an answer that is not a success."""
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/problem+json":
        return _unexpected(answer)
    try:
        return parse(answer, lambda problem: _refused(answer, problem))
    except UnexpectedAnswer as error:
        return error


def _refused(answer: httpx.Response, problem: Mapping[str, Any]) -> ApiError:
    kind = ApiError.kinds.get(problem["code"], ApiError)
    return kind(answer.status_code, problem, dict(answer.headers))


def _unexpected(answer: httpx.Response) -> UnexpectedAnswer:
    return UnexpectedAnswer(answer.status_code, answer.text[:200])
