"""The failures of the inventory, each with its stable code.

::

    Problem
    ├── ResourceNotFound       404 resource_not_found
    ├── AllocationNotFound     404 allocation_not_found
    ├── InTheWay
    │   ├── PeriodTaken        409 period_taken
    │   └── ResourceInUse      409 resource_in_use
    ├── NoneAvailable          409 none_available
    ├── NameTaken              409 name_taken
    ├── HoldExpired            409 hold_expired
    ├── CursorExpired          410 cursor_expired
    ├── IdempotencyKeyReused   422 idempotency_key_reused
    ├── VersionMismatch        412 version_mismatch
    ├── TooManyHolds           429 too_many_holds
    └── Unavailable
        ├── Busy               503 busy
        └── DatabaseUnavailable 503 database_unavailable
            └── UnfitDatabase   (the same code)
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from invsys.chassis.http.problems import Problem, Unavailable

MAX_CONFLICTS = 10


class ResourceNotFound(Problem):
    """No such vehicle in this collection, or no longer."""

    status, code, title = 404, "resource_not_found", "There is no such resource"
    advice = "Look for its id in the list of its collection. A vehicle that was decommissioned does not come back."


class AllocationNotFound(Problem):
    """No such allocation of this vehicle, or no longer."""

    status, code, title = 404, "allocation_not_found", "There is no such allocation"
    advice = "Look for its id in the list of its vehicle. After a ``DELETE`` nothing is left to do: the period is free."


class ConflictError(Problem):
    """Allocations are in the way: ``conflicts``, rows of them, earliest first, at most ``MAX_CONFLICTS``."""

    adds = (
        f"``conflicts``: up to {MAX_CONFLICTS} of the allocations in the way, earliest first, each with its ``id``, its"
        " period and its ``allocation_type``. Of a client that sees only its own, its own: maybe none."
    )

    def __init__(self, detail: str, conflicts: Sequence[Any]) -> None:
        super().__init__(detail)
        self.conflicts = conflicts


class PeriodTaken(ConflictError):
    """The vehicle is allocated for a part of the period."""

    status, code, title = 409, "period_taken", "The period is taken"
    advice = (
        "Ask for another period or another vehicle, let the service choose one that is free"
        " (``POST /api/cars/any/allocations``), or free what ``conflicts`` names."
    )


class ResourceInUse(ConflictError):
    """The vehicle has allocations that have not ended."""

    status, code, title = 409, "resource_in_use", "The resource is in use"
    advice = "Free what ``conflicts`` names, or wait until it has ended; then decommission the vehicle."


class NoneAvailable(Problem):
    """Too few vehicles that fit are free for the whole period."""

    status, code, title = 409, "none_available", "No vehicle is available"
    advice = (
        "Ask for another period, for fewer vehicles or with fewer ``attributes``; the ``availability`` of all tells"
        " when which is free."
    )


class HoldExpired(Problem):
    """The hold was not confirmed in time."""

    status, code, title = 409, "hold_expired", "The hold has expired"
    advice = "Allocate again: the period may still be free. Confirm or extend a hold before its ``expires``."


class CursorExpired(Problem):
    """The cursor of the change feed points to an event that is not known any more.

    It was purged, or the database was restored from a backup that does not have it: events that follow it are missing.
    """

    status, code, title = 410, "cursor_expired", "The cursor has expired"
    advice = (
        "Start over: ask for ``/api/events?after=now`` and keep ``next``, then read the lists of vehicles and"
        " allocations, then follow the feed from that ``next``."
    )

    def __init__(self) -> None:
        super().__init__(
            "The feed no longer has the event that the cursor names. Start over: ask for after=now and keep its next,"
            " then read the lists, then follow the feed from that next."
        )


class IdempotencyKeyReused(Problem):
    """Another request was made under the same Idempotency-Key."""

    status, code, title = 422, "idempotency_key_reused", "The Idempotency-Key belongs to another request"
    advice = "Give every new order a key of its own; send the very same request when repeating one."


class NameTaken(Problem):
    """Another vehicle of the type in circulation has the name."""

    status, code, title = 409, "name_taken", "The name is taken"
    advice = (
        "Choose another name, or decommission the vehicle that has it. It may be your own, if the answer to an earlier"
        " request was lost: ask the collection for this ``name``."
    )


class VersionMismatch(Problem):
    """The caller knows another version than the one that is there."""

    status, code, title = 412, "version_mismatch", "It has changed since you read it"
    adds = "The ``ETag`` header: the version that is there."
    advice = "Read it again, see whether your change still fits, and send that with the new ``ETag`` in ``If-Match``."

    def __init__(self, version: int) -> None:
        super().__init__("If-Match names another version than the one that is there; its ETag is in the headers.")
        self.version = version


def require_version(row: Mapping[Any, Any], versions: Collection[int] | None) -> None:
    """Raise VersionMismatch unless the row is at one of ``versions`` (None: at any)."""
    if versions is not None and row["version"] not in versions:
        raise VersionMismatch(row["version"])


class TooManyHolds(Problem):
    """With this request the client would have more live holds than it may have; nothing was done."""

    status, code, title = 429, "too_many_holds", "Too many holds"
    adds = "The ``Retry-After`` header: in how many seconds enough of the client's holds will have expired."
    advice = "Confirm or free some of your holds, or wait until they expire; then send it again."

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)})


class Overloaded(Unavailable):
    """Too many at once; nothing was done."""

    code, title = "busy", "The service is busy"


class DatabaseUnavailable(Unavailable):
    """The database is away, or not in a state to be trusted.

    Nothing was done, unless the answer to a change was lost on its way: then it may have been.
    """

    code, title = "database_unavailable", "The database is not available"

    def __init__(self, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        # For operators: it may name files and hosts.
        self.reason = reason or detail


class UnusableDatabase(DatabaseUnavailable):
    """The database answers, but must not be used as it is; the detail says what to do."""
