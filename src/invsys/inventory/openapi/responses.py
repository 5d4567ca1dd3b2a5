"""What operations are answered with: successes, failures, and the headers of both."""

from collections import defaultdict
from typing import Any

from invsys.chassis.http.problems import REQUEST_ID_SCHEMA, Problem, UnsupportedMediaType
from invsys.inventory.api.operations import Operation
from invsys.inventory.openapi import problems
from invsys.inventory.openapi.examples import EXAMPLES

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "The id of the request, in the log too", "schema": REQUEST_ID_SCHEMA},
    "ETag": {"description": "The item's version, for If-Match and If-None-Match", "schema": {"type": "string"}},
    "Location": {"description": "Where the new item is", "schema": {"type": "string", "format": "uri-reference"}},
    "Link": {"description": 'The next page, rel="next" (RFC 8288); absent on the last', "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "true: this was done by an earlier request under the same Idempotency-Key",
        "schema": {"type": "string", "const": "true"},
    },
    "Accept-Patch": {"description": "The media types that PATCH takes (RFC 5789)", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before trying again", "schema": {"type": "integer"}},
}
_PROBLEM_HEADERS = {412: "ETag", 429: "Retry-After", 503: "Retry-After"}


def of_operation(of: Operation) -> dict[str, Any]:
    """Describe every answer of an operation, by status."""
    responses: dict[str, Any] = {str(of.status): _success(of)}
    if of.conditional == "If-None-Match":
        responses["304"] = {"description": "It is still at this ETag", "headers": _headers("ETag")}
    by_status = defaultdict(list)
    for kind in of.failures:
        by_status[kind.status].append(kind)
    for status, kinds in sorted(by_status.items()):
        headers = [_PROBLEM_HEADERS[status]] if status in _PROBLEM_HEADERS else []
        if of.takes_patches and UnsupportedMediaType in kinds:
            headers.append("Accept-Patch")
        responses[str(status)] = _failure(kinds, headers)
    return responses


def _success(of: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"description": of.summary, "headers": _headers(*of.headers)}
    if of.answer is not None:
        several = {"type": "array", "items": of.answer}
        schema = several if of.many else {"oneOf": [of.answer, several]} if of.one_or_many else of.answer
        made["content"] = {media_type: {"schema": schema} for media_type in of.media_types}
        if not isinstance(of.answer, dict):
            example = EXAMPLES[of.answer]
            made["content"]["application/json"]["example"] = [example] if of.many else example
    return made


def _failure(kinds: list[type[Problem]], headers: list[str]) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{problems.component(kind)}"} for kind in kinds]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    return {
        "description": "; or: ".join(kind.title for kind in kinds),
        "headers": _headers(*headers),
        "content": {
            "application/problem+json": {"schema": schema, "example": problems.example(kinds[0])},
            "application/problem+xml": {"schema": schema},
        },
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}
