"""The responses of operations: successes, failures, and their headers."""

from collections import defaultdict
from typing import Any

from invsys.chassis.http.problems import JSON_SCHEMA, REQUEST_ID_SCHEMA, Problem, UnsupportedMediaType
from invsys.inventory.api.operation import Operation
from invsys.inventory.openapi import problems
from invsys.inventory.openapi.examples import EXAMPLES
from invsys.inventory.schemas.queries import MAX_COUNT

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "The id of the request, which the log also contains", "schema": REQUEST_ID_SCHEMA},
    "ETag": {"description": "The item's version, for If-Match and If-None-Match", "schema": {"type": "string"}},
    "Location": {"description": "The path of the new item", "schema": {"type": "string", "format": "uri-reference"}},
    "Age": {
        "description": "Seconds since when everything is included; absent if the answer is current",
        "schema": {"type": "integer"},
    },
    "Link": {
        "description": 'The next page, rel="next" (RFC 8288); absent on the last page',
        "schema": {"type": "string"},
    },
    "X-Total-Count": {
        "description": f"With `count=true`, the number of items in all pages; absent if there are over {MAX_COUNT:,}",
        "schema": {"type": "integer"},
    },
    "Idempotency-Replayed": {
        "description": "true: an earlier request with the same Idempotency-Key had this result",
        "schema": {"type": "string", "const": "true"},
    },
    "Accept-Patch": {"description": "The media types that PATCH accepts (RFC 5789)", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before the next attempt", "schema": {"type": "integer"}},
}
_PROBLEM_HEADERS = {412: "ETag", 429: "Retry-After", 503: "Retry-After"}


def of_operation(operation: Operation) -> dict[str, Any]:
    """Return the response objects of an operation by status."""
    responses: dict[str, Any] = {str(operation.status): _success(operation)}
    if operation.conditional == "If-None-Match":
        responses["304"] = {"description": "The item still has this ETag", "headers": _headers("ETag")}
    by_status = defaultdict(list)
    for kind in operation.failures:
        by_status[kind.status].append(kind)
    for status, kinds in sorted(by_status.items()):
        headers = [_PROBLEM_HEADERS[status]] if status in _PROBLEM_HEADERS else []
        if operation.is_patch and UnsupportedMediaType in kinds:
            headers.append("Accept-Patch")
        responses[str(status)] = _failure(kinds, headers)
    responses["default"] = {"$ref": f"#/components/responses/{problems.ANY}"}
    return responses


def any_problem() -> dict[str, Any]:
    """Return the response object of problems that are not documented, because a later version added them."""
    schema = {"$ref": f"#/components/schemas/{problems.ANY}"}
    content = {media_type: {"schema": schema} for media_type in ("application/problem+json", "application/problem+xml")}
    return {"description": JSON_SCHEMA["description"], "headers": _headers(), "content": content}


def _success(operation: Operation) -> dict[str, Any]:
    response: dict[str, Any] = {"description": operation.summary, "headers": _headers(*_success_headers(operation))}
    if operation.response is not None:
        response["content"] = {media_type: {"schema": _body(operation)} for media_type in operation.media_types}
        if not isinstance(operation.response, dict):
            example = EXAMPLES[operation.response]
            response["content"]["application/json"]["example"] = [example] if operation.many else example
    return response


def _success_headers(operation: Operation) -> tuple[str, ...]:
    return operation.headers if operation.standby_with is None else (*operation.headers, "Age")


def _body(operation: Operation) -> Any:
    array = {"type": "array", "items": operation.response}
    if operation.many:
        return array
    return {"oneOf": [operation.response, array]} if operation.one_or_many else operation.response


def _failure(kinds: list[type[Problem]], headers: list[str]) -> dict[str, Any]:
    names = [*map(problems.component, kinds), problems.ANY]
    schema = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
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
