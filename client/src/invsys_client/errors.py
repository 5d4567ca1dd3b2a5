"""Exceptions of the client; invalid arguments raise ValueError before a request is sent.

::

    InvSysError
    ├── ApiError                    any code: .code, .status, .detail, .request_id, .index
    │   ├── MalformedBody           400 malformed_body
    │   ├── Unauthenticated         401 unauthenticated: missing or invalid key
    │   ├── Forbidden               403 forbidden: .scope
    │   ├── GatewayRequired         403 gateway_required
    │   ├── AddressNotAllowed       403 address_not_allowed
    │   ├── NotFound                404 not_found
    │   │   ├── ResourceNotFound    404 resource_not_found
    │   │   └── AllocationNotFound  404 allocation_not_found
    │   ├── MethodNotAllowed        405 method_not_allowed
    │   ├── ConflictError           .conflicts
    │   │   ├── PeriodTaken         409 period_taken
    │   │   └── ResourceInUse       409 resource_in_use
    │   ├── ResourceClosed          409 resource_closed
    │   ├── NoneAvailable           409 none_available
    │   ├── NameTaken               409 name_taken
    │   ├── HoldExpired             409 hold_expired
    │   ├── Archived                409 archived
    │   ├── CursorExpired           410 cursor_expired
    │   ├── VersionMismatch         412 version_mismatch: .etag, .version
    │   ├── RequestTimeout          408 request_timeout
    │   ├── BodyTooLarge            413 body_too_large
    │   ├── UnsupportedMediaType    415 unsupported_media_type
    │   ├── MisdirectedRequest      421 misdirected_request
    │   ├── InvalidFields           422 invalid_fields: .errors
    │   ├── IdempotencyKeyReused    422 idempotency_key_reused
    │   ├── TooManyHolds            429 too_many_holds: .retry_after
    │   ├── InternalError           500 internal_error
    │   │                           The following are retried and appear as the cause of Unavailable.
    │   ├── RateLimited             429 rate_limited
    │   ├── UpstreamUnreachable     502 upstream_unreachable
    │   ├── Busy                    503 busy
    │   ├── SlowBodies              503 slow_bodies
    │   ├── DatabaseUnavailable     503 database_unavailable
    │   ├── KeysUnavailable         503 keys_unavailable
    │   └── UpstreamTimeout         504 upstream_timeout
    ├── Unavailable                 no attempt succeeded: .attempts, .key
    └── UnexpectedResponse          the response is not from the service or is malformed: .status, .text

An unknown code, for example of a later version of the service, raises ``ApiError`` itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from invsys_client.records import Conflict


class InvSysError(Exception):
    """Base class of all errors of the client."""


class ApiError(InvSysError):
    """The service responded with a problem document (RFC 9457).

    ``code`` is the stable code of the problem, ``status`` the HTTP status, ``detail`` a description of this occurrence,
    and ``request_id`` identifies the request in the service's log. ``index`` is the position of the rejected change in
    the list of ``Collection.update_several``, from 0; it is None for other calls.
    """

    kinds: ClassVar[dict[str, type[ApiError]]] = {}

    def __init_subclass__(cls, code: str | None = None) -> None:
        if code is not None:
            ApiError.kinds[code] = cls

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.status = status
        self.code: str = problem["code"]
        self.detail: str = problem.get("detail") or problem.get("title") or ""
        self.request_id: str | None = problem.get("request_id") or headers.get("x-request-id")
        self.index: int | None = problem.get("index")

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail} (request {self.request_id})"


class MalformedBody(ApiError, code="malformed_body"):
    """The service cannot parse the request, for example because a proxy has changed its body."""


class Unauthenticated(ApiError, code="unauthenticated"):
    """The API key or token is missing or invalid."""


class Forbidden(ApiError, code="forbidden"):
    """The client does not have the required ``scope``."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.scope: str = problem.get("scope", "")


class GatewayRequired(ApiError, code="gateway_required"):
    """The service accepts requests only from its gateway."""


class AddressNotAllowed(ApiError, code="address_not_allowed"):
    """This address may not read the metrics."""


class NotFound(ApiError, code="not_found"):
    """Nothing is served at this path, for example because the collection does not exist."""


class ResourceNotFound(NotFound, code="resource_not_found"):
    """The vehicle does not exist in this collection or is decommissioned."""


class AllocationNotFound(NotFound, code="allocation_not_found"):
    """The allocation does not exist in this collection, was deleted, or was a hold that has expired."""


class MethodNotAllowed(ApiError, code="method_not_allowed"):
    """The path does not support this method: the service and this client have different versions."""


class ConflictError(ApiError):
    """Existing allocations prevent the change; ``conflicts`` contains up to 10 of them, earliest first."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.conflicts = tuple(Conflict.from_json(conflict) for conflict in problem.get("conflicts", ()))


class PeriodTaken(ConflictError, code="period_taken"):
    """The vehicle is already allocated for the period or a part of it."""


class ResourceInUse(ConflictError, code="resource_in_use"):
    """The vehicle still has allocations that have not ended."""


class ResourceClosed(ApiError, code="resource_closed"):
    """The vehicle is closed for a part of the period; see ``Resource.closed_from``."""


class NoneAvailable(ApiError, code="none_available"):
    """Fewer vehicles than requested are free for the whole period."""


class NameTaken(ApiError, code="name_taken"):
    """Another vehicle in the collection has this name."""


class HoldExpired(ApiError, code="hold_expired"):
    """The hold expired before it was confirmed, extended or changed."""


class Archived(ApiError, code="archived"):
    """The allocation ended long ago and is archived: it can be read, but no longer changed or deleted."""


class CursorExpired(ApiError, code="cursor_expired"):
    """The feed no longer contains the event of the cursor; events after it may be missing, too.

    Start again: store ``Client.event_page("now").next``, read the lists, then follow the feed from the stored cursor.
    """


class VersionMismatch(ApiError, code="version_mismatch"):
    """The item has changed since it was read; ``etag`` is its current ETag.

    After ``Collection.update_several``, ``version`` is the current version of the allocation instead.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.etag = headers.get("etag")
        self.version: int | None = problem.get("version")


class RequestTimeout(ApiError, code="request_timeout"):
    """The request body did not arrive in time; the request was not executed."""


class BodyTooLarge(ApiError, code="body_too_large"):
    """The request body is larger than the service allows."""


class UnsupportedMediaType(ApiError, code="unsupported_media_type"):
    """The Content-Type of the request is not supported."""


class MisdirectedRequest(ApiError, code="misdirected_request"):
    """The service does not accept the host name in the client's URL."""


class InvalidFields(ApiError, code="invalid_fields"):
    """Fields are invalid; ``errors`` maps each invalid field, by its name in the API, to a list of messages.

    A field of a change in ``Collection.update_several`` has a path, such as ``changes.3.to_datetime``.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.errors: Mapping[str, list[str]] = problem.get("errors") or {}


class IdempotencyKeyReused(ApiError, code="idempotency_key_reused"):
    """The Idempotency-Key was already used for a different request."""


class InternalError(ApiError, code="internal_error"):
    """The service failed because of an unexpected error; its log has the cause under ``request_id``."""


class TooManyHolds(ApiError, code="too_many_holds"):
    """The client has too many holds: confirm or delete some of them, or wait until they expire.

    After ``retry_after`` seconds, enough holds will have expired. The request is not retried automatically, because
    the wait can last a day, and the caller can end a hold earlier.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        text = headers.get("retry-after", "")
        self.retry_after: int | None = int(text) if text.isascii() and text.isdigit() else None


class RateLimited(ApiError, code="rate_limited"):
    """The client exceeded a limit of the gateway (see ``Client.whoami``); the request was not executed."""


class UpstreamUnreachable(ApiError, code="upstream_unreachable"):
    """The gateway cannot reach the service or lost its response; the request may have been executed."""


class UpstreamTimeout(ApiError, code="upstream_timeout"):
    """The service did not respond to the gateway in time; the request may have been executed."""


class KeysUnavailable(ApiError, code="keys_unavailable"):
    """The gateway cannot authenticate callers at the moment; the request was not executed."""


class Busy(ApiError, code="busy"):
    """The service is overloaded; the request was not executed."""


class SlowBodies(ApiError, code="slow_bodies"):
    """Too many request bodies arrive slowly at the same time; the request was not executed."""


class DatabaseUnavailable(ApiError, code="database_unavailable"):
    """The service cannot reach its database.

    The request may have been executed; repeating it with the same key is safe.
    """


class Unavailable(InvSysError):
    """No attempt succeeded within the limits of attempts and time.

    ``__cause__`` is the error of the last attempt: a failed or lost connection, or a response with 429 (not
    ``TooManyHolds``), 502, 503 or 504. ``request`` is the method and URL, ``attempts`` the number of attempts. The
    request may have been executed: repeat the call with ``key``, its Idempotency-Key, to be sure. ``key`` is None for
    calls without one.
    """

    def __init__(self, request: str, attempts: int, key: str | None) -> None:
        super().__init__(request, attempts, key)
        self.request = request
        self.attempts = attempts
        self.key = key

    def __str__(self) -> str:
        return f"{self.request}: {self.attempts} attempts failed, the last one with {self.__cause__!r}"


class UnexpectedResponse(InvSysError):
    """The response is not from the service, for example from a proxy, or is not in the format of this version.

    ``text`` is the start of the body, at most 200 characters.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text

    def __str__(self) -> str:
        return f"unexpected response: {self.status} {self.text!r}"
