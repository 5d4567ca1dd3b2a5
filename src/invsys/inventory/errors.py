"""The failures of the inventory, each with its stable code.

::

    Problem
    ├── ResourceNotFound       404 resource_not_found
    ├── AllocationNotFound     404 allocation_not_found
    ├── InTheWay
    │   ├── PeriodTaken        409 period_taken
    │   └── ResourceInUse      409 resource_in_use
    ├── NameTaken              409 name_taken
    ├── VersionMismatch        412 version_mismatch
    └── Unavailable
        ├── Busy               503 busy
        └── DatabaseUnavailable 503 database_unavailable
            └── UnfitDatabase   (the same code)
"""

from collections.abc import Sequence
from typing import Any

from invsys.chassis.problems import Problem, Unavailable


class ResourceNotFound(Problem):
    """No such vehicle in this collection, or no longer."""

    status, code, title = 404, "resource_not_found", "There is no such resource"


class AllocationNotFound(Problem):
    """No such allocation of this vehicle, or no longer."""

    status, code, title = 404, "allocation_not_found", "There is no such allocation"


class InTheWay(Problem):
    """Allocations are in the way: ``conflicts``, rows of them, earliest first, at most ``MAX_CONFLICTS``."""

    def __init__(self, detail: str, conflicts: Sequence[Any]) -> None:
        super().__init__(detail)
        self.conflicts = conflicts


class PeriodTaken(InTheWay):
    """The vehicle is allocated for a part of the period."""

    status, code, title = 409, "period_taken", "The period is taken"


class ResourceInUse(InTheWay):
    """The vehicle has allocations that have not ended."""

    status, code, title = 409, "resource_in_use", "The resource is in use"


class NameTaken(Problem):
    """Another vehicle of the type in circulation has the name."""

    status, code, title = 409, "name_taken", "The name is taken"


class VersionMismatch(Problem):
    """The caller knows another version than the one that is there."""

    status, code, title = 412, "version_mismatch", "It has changed since you read it"

    def __init__(self, version: int) -> None:
        super().__init__("If-Match names another version than the one that is there; its ETag is in the headers.")
        self.version = version


class Busy(Unavailable):
    """Too many at once; nothing was done."""

    code, title = "busy", "The service is busy"


class DatabaseUnavailable(Unavailable):
    """The database is away, or not in a state to be trusted.

    Nothing was done, unless the answer to a change was lost on its way: then it may have been.
    """

    code, title = "database_unavailable", "The database is not available"


class UnfitDatabase(DatabaseUnavailable):
    """The database answers, but must not be used as it is; the detail says what to do."""
