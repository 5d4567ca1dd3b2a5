"""The failures of the inventory, each with its stable code.

::

    Problem
    ├── ResourceNotFound       404 resource_not_found
    ├── AllocationNotFound     404 allocation_not_found
    ├── ConflictError
    │   ├── PeriodTaken        409 period_taken
    │   └── ResourceInUse      409 resource_in_use
    ├── ResourceClosed         409 resource_closed
    ├── NoneAvailable          409 none_available
    ├── NameTaken              409 name_taken
    ├── HoldExpired            409 hold_expired
    ├── Archived               409 archived
    ├── CursorExpired          410 cursor_expired
    ├── IdempotencyKeyReused   422 idempotency_key_reused
    ├── VersionMismatch        412 version_mismatch
    ├── TooManyHolds           429 too_many_holds
    └── Unavailable
        ├── Overloaded         503 busy
        └── DatabaseUnavailable 503 database_unavailable
            └── UnusableDatabase (the same code)
"""

from collections.abc import Sequence
from typing import Any

from invsys.chassis.http.problems import Problem, Unavailable

MAX_CONFLICTS = 10


class ResourceNotFound(Problem):
    """The collection has no vehicle in circulation with this id."""

    status, code, title = 404, "resource_not_found", "Resource not found"
    advice = "Find the id in the list of the collection. A decommissioned vehicle does not return to circulation."


# The text for problems that an entry of a change list can have.
_INDEX = "If the request was a change list, ``index``: the position of the entry, from 0."


class AllocationNotFound(Problem):
    """The vehicle, or the collection, has no allocation with this id."""

    status, code, title = 404, "allocation_not_found", "Allocation not found"
    additional_data = _INDEX
    advice = "Find the id in the list of the vehicle. After a ``DELETE``, nothing is left to do: the period is free."


class ConflictError(Problem):
    """Allocations conflict with the request.

    ``conflicts`` are their rows, earliest first, at most ``MAX_CONFLICTS``.
    """

    additional_data = (
        f"``conflicts``: up to {MAX_CONFLICTS} of the conflicting allocations, earliest first, each with its ``id``,"
        " period and ``allocation_type``. A client that sees only its own allocations gets only those, possibly none."
    )

    def __init__(self, detail: str, conflicts: Sequence[Any]) -> None:
        super().__init__(detail)
        self.conflicts = conflicts


class PeriodTaken(ConflictError):
    """The vehicle is already allocated for a part of the period."""

    status, code, title = 409, "period_taken", "The period is taken"
    additional_data = f"{ConflictError.additional_data} {_INDEX}"
    advice = (
        "Request another period or another vehicle, let the service choose a free vehicle"
        " (``POST /api/cars/any/allocations``), or delete the allocations in ``conflicts``."
    )


class ResourceInUse(ConflictError):
    """The vehicle has allocations that have not ended."""

    status, code, title = 409, "resource_in_use", "The resource is in use"
    advice = "Delete the allocations in ``conflicts``, or wait until they have ended; then decommission the vehicle."


class ResourceClosed(Problem):
    """The vehicle is closed for a part of the time that the request would newly allocate.

    Allocations that already exist remain: they can be shortened, confirmed and deleted, and holds can be extended.
    """

    status, code, title = 409, "resource_closed", "The resource is closed"
    additional_data = _INDEX
    advice = (
        "Request a period that ends when the vehicle closes (its ``closed_from``) or earlier, or another vehicle. To"
        " allocate its maintenance, send ``despite_closed: true`` in the ``POST``. To open the vehicle again, ``PATCH``"
        " its ``closed_from`` with null."
    )


class NoneAvailable(Problem):
    """Too few suitable vehicles are free for the whole period."""

    status, code, title = 409, "none_available", "No vehicle is available"
    additional_data = _INDEX
    advice = (
        "Request another period, fewer vehicles or fewer ``attributes``. The ``availability`` of the collection shows"
        " when each vehicle is free."
    )


class HoldExpired(Problem):
    """The hold was not confirmed before it expired."""

    status, code, title = 409, "hold_expired", "The hold has expired"
    additional_data = _INDEX
    advice = "Allocate again: the period may still be free. Confirm or extend a hold before its ``expires``."


class Archived(Problem):
    """The allocation ended long ago and has been archived: it can be read, but no longer changed or deleted."""

    status, code, title = 409, "archived", "The allocation is archived"
    additional_data = _INDEX
    advice = "Leave it as it is. What happened since belongs in a new allocation, or in your own records."


class CursorExpired(Problem):
    """The cursor points to an event that the change feed no longer has.

    The event was purged, or the database was restored from a backup without it. Events after it may be missing.
    """

    status, code, title = 410, "cursor_expired", "The cursor has expired"
    advice = (
        "Start over: request ``/api/events?after=now`` and store ``next``, then read the lists of vehicles and"
        " allocations, then follow the feed from that ``next``."
    )

    def __init__(self) -> None:
        super().__init__(
            "The feed no longer has the event that the cursor points to. Start over: request after=now and store its"
            " next, then read the lists, then follow the feed from that next."
        )


class IdempotencyKeyReused(Problem):
    """A different request was already made with the same Idempotency-Key."""

    status, code, title = 422, "idempotency_key_reused", "The Idempotency-Key belongs to another request"
    advice = "Use a new key for each new request. To repeat a request, send exactly the same one."


class NameTaken(Problem):
    """Another vehicle of this type, which is in circulation, already has this name."""

    status, code, title = 409, "name_taken", "The name is taken"
    advice = (
        "Choose another name, or decommission the vehicle that has it. If the response to an earlier request was lost,"
        " that request may have registered the vehicle: filter the collection by this ``name``."
    )


class VersionMismatch(Problem):
    """The version in ``If-Match``, or in a change list, is not the current version of the item; nothing was changed."""

    status, code, title = 412, "version_mismatch", "The item has changed since you read it"
    additional_data = f"The ``ETag`` header, or ``version`` after a change list: the current version. {_INDEX}"
    advice = "Read the item again. If your change still makes sense, send it with the new ``ETag`` in ``If-Match``."

    def __init__(
        self, version: int, detail: str = "If-Match does not match the current version, which is in the ETag header."
    ) -> None:
        super().__init__(detail)
        self.version = version


class TooManyHolds(Problem):
    """With this request, the client would exceed its limit of active holds; nothing was changed."""

    status, code, title = 429, "too_many_holds", "Too many holds"
    additional_data = (
        "The ``Retry-After`` header: the number of seconds until enough of the client's holds have expired."
    )
    advice = "Confirm or delete some of your holds, or wait until they expire; then repeat the request."

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail, {"Retry-After": str(retry_after)})


class Overloaded(Unavailable):
    """The service or its database has too many requests at once; nothing was changed."""

    code, title = "busy", "The service is busy"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or its state does not allow the service to use it.

    Nothing was changed, except possibly if the connection was lost during a change.
    """

    code, title = "database_unavailable", "The database is not available"

    def __init__(self, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        # For operators only: it may contain names of files and hosts.
        self.reason = reason or detail


class UnusableDatabase(DatabaseUnavailable):
    """The database responds, but the service must not use it in its current state; ``detail`` explains what to do."""
