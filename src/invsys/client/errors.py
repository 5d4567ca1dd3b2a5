"""What can go wrong, beside a ValueError for what could not even be sent.

::

    InvSysError
    ├── ApiError                     any code: .code, .status, .detail, .request_id
    │   ├── MalformedBody           400 malformed_body
    │   ├── Unauthenticated         401 unauthenticated: no key, or one that is not accepted
    │   ├── Forbidden               403 forbidden: .scope
    │   ├── GatewayRequired         403 gateway_required
    │   ├── AddressNotAllowed       403 address_not_allowed
    │   ├── NotFound                404 not_found
    │   │   ├── ResourceNotFound    404 resource_not_found
    │   │   └── AllocationNotFound  404 allocation_not_found
    │   ├── MethodNotAllowed        405 method_not_allowed
    │   ├── InTheWay                .conflicts
    │   │   ├── PeriodTaken         409 period_taken
    │   │   └── ResourceInUse       409 resource_in_use
    │   ├── NoneAvailable           409 none_available
    │   ├── NameTaken               409 name_taken
    │   ├── HoldExpired             409 hold_expired
    │   ├── CursorExpired           410 cursor_expired
    │   ├── VersionMismatch         412 version_mismatch: .etag
    │   ├── RequestTimeout          408 request_timeout
    │   ├── BodyTooLarge            413 body_too_large
    │   ├── UnsupportedMediaType    415 unsupported_media_type
    │   ├── MisdirectedRequest      421 misdirected_request
    │   ├── InvalidFields           422 invalid_fields: .errors
    │   ├── IdempotencyKeyReused    422 idempotency_key_reused
    │   ├── TooManyHolds            429 too_many_holds: .retry_after
    │   ├── InternalError           500 internal_error
    │   │                           The following are seen as the cause of Unavailable.
    │   ├── RateLimited             429 rate_limited
    │   ├── UpstreamUnreachable     502 upstream_unreachable
    │   ├── Busy                    503 busy
    │   ├── SlowBodies              503 slow_bodies
    │   ├── DatabaseUnavailable     503 database_unavailable
    │   ├── KeysUnavailable         503 keys_unavailable
    │   └── UpstreamTimeout         504 upstream_timeout
    ├── Unavailable                 all attempts were in vain: .attempts, .key
    └── UnexpectedAnswer            not from the service, or not in its words: .status, .text

A code without a class of its own, whatever comes later, is a ``ApiError``.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from invsys.client.records import Conflict


class InvSysError(Exception):
    """Whatever goes wrong between the caller and the service."""


class ApiError(InvSysError):
    """The service says no, in a problem document (RFC 9457).

    ``code`` is its word for the reason, ``status`` that of HTTP, ``detail`` a sentence about this case, and
    ``request_id`` what its log knows the request by.
    """

    kinds: ClassVar[dict[str, type["ApiError"]]] = {}

    def __init_subclass__(cls, code: str | None = None) -> None:
        if code is not None:
            ApiError.kinds[code] = cls

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.status = status
        self.code: str = problem["code"]
        self.detail: str = problem.get("detail") or problem.get("title") or ""
        self.request_id: str | None = problem.get("request_id") or headers.get("x-request-id")

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail} (request {self.request_id})"


class MalformedBody(ApiError, code="malformed_body"):
    """The body is not one strict JSON object."""


class Unauthenticated(ApiError, code="unauthenticated"):
    """The gateway does not know the caller's token."""


class Forbidden(ApiError, code="forbidden"):
    """The caller may not do this: it has no ``scope`` for it."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.scope: str = problem.get("scope", "")


class GatewayRequired(ApiError, code="gateway_required"):
    """The service answers to its gateway only."""


class AddressNotAllowed(ApiError, code="address_not_allowed"):
    """The metrics are not for this address."""


class NotFound(ApiError, code="not_found"):
    """Nothing is served at this path: no such collection, perhaps."""


class ResourceNotFound(NotFound, code="resource_not_found"):
    """No such vehicle in this collection, or no longer."""


class AllocationNotFound(NotFound, code="allocation_not_found"):
    """No such allocation in this collection, or no longer; a hold that expired is none."""


class MethodNotAllowed(ApiError, code="method_not_allowed"):
    """The service is of another version than this client."""


class InTheWay(ApiError):
    """Allocations are in the way: ``conflicts``, up to 10 of them, earliest first."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.conflicts = tuple(Conflict.read(conflict) for conflict in problem.get("conflicts", ()))


class PeriodTaken(InTheWay, code="period_taken"):
    """The vehicle is allocated for a part of the period."""


class ResourceInUse(InTheWay, code="resource_in_use"):
    """The vehicle has allocations that have not ended."""


class NoneAvailable(ApiError, code="none_available"):
    """No vehicle, or fewer than asked for, is free for the whole period."""


class NameTaken(ApiError, code="name_taken"):
    """Another vehicle of the collection has the name."""


class HoldExpired(ApiError, code="hold_expired"):
    """The hold ended before it was confirmed, extended or changed."""


class CursorExpired(ApiError, code="cursor_expired"):
    """The feed no longer has the event that the cursor names: events that follow it may be missing, too.

    Start over: keep ``Client.event_page("now").next``, read the lists, then follow the feed from that cursor.
    """


class VersionMismatch(ApiError, code="version_mismatch"):
    """It has changed since it was read; ``etag`` is that of its present state."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.etag = headers.get("etag")


class RequestTimeout(ApiError, code="request_timeout"):
    """The body did not arrive in time; nothing was done."""


class BodyTooLarge(ApiError, code="body_too_large"):
    """The body is larger than the service takes."""


class UnsupportedMediaType(ApiError, code="unsupported_media_type"):
    """The body is not announced as the service wants it."""


class MisdirectedRequest(ApiError, code="misdirected_request"):
    """The service is not served under the host name in the client's URL."""


class InvalidFields(ApiError, code="invalid_fields"):
    """Fields are wrong, in the wire's names: ``errors`` maps each to its messages."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        self.errors: Mapping[str, list[str]] = problem.get("errors", {})


class IdempotencyKeyReused(ApiError, code="idempotency_key_reused"):
    """Another order was given under this key."""


class InternalError(ApiError, code="internal_error"):
    """A fault of the service, which its log has under ``request_id``."""


class TooManyHolds(ApiError, code="too_many_holds"):
    """The client would have more holds than it may have: confirm or free some, or wait.

    In ``retry_after`` seconds enough of them will have expired. The client does not send the request again: that can
    be a day away, and the caller can end a hold sooner.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(status, problem, headers)
        text = headers.get("retry-after", "")
        self.retry_after: int | None = int(text) if text.isascii() and text.isdigit() else None


class RateLimited(ApiError, code="rate_limited"):
    """The caller asks too much at once; nothing was done."""


class UpstreamUnreachable(ApiError, code="upstream_unreachable"):
    """The gateway has lost the service, and perhaps its answer."""


class UpstreamTimeout(ApiError, code="upstream_timeout"):
    """The service has not answered the gateway in time."""


class KeysUnavailable(ApiError, code="keys_unavailable"):
    """The gateway recognises nobody for now; nothing was done."""


class Busy(ApiError, code="busy"):
    """Too many at once; nothing was done."""


class SlowBodies(ApiError, code="slow_bodies"):
    """Too many requests whose bodies arrive slowly; nothing was done."""


class DatabaseUnavailable(ApiError, code="database_unavailable"):
    """The service has no database now; nothing was done, or the same key settles it."""


class Unavailable(InvSysError):
    """No attempt succeeded, and there was no more time, or number, of them: the cause is what the last one met.

    That is a lost connection, or an answer with 429 (not ``TooManyHolds``), 502, 503 or 504. ``request`` is the method
    and URL, ``attempts`` how many were made. The request may have been carried out: an order is settled by giving it
    again under the same ``key``, which is None for what is no order.
    """

    def __init__(self, request: str, attempts: int, key: str | None) -> None:
        super().__init__(request, attempts, key)
        self.request = request
        self.attempts = attempts
        self.key = key

    def __str__(self) -> str:
        return f"{self.request}: {self.attempts} attempts, the last of which met {self.__cause__!r}"


class UnexpectedAnswer(InvSysError):
    """An answer that the service does not give: from something in between, or of a version unknown here.

    ``text`` is how it begins.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text

    def __str__(self) -> str:
        return f"not an answer of the service: {self.status} {self.text!r}"
