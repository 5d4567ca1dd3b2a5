"""The failures of the depot, each with its stable code.

::

    Problem
    ├── PalletNotFound         404 pallet_not_found
    ├── NameTaken              409 name_taken
    ├── VersionMismatch        412 version_mismatch
    └── Unavailable
        ├── Busy               503 busy
        └── DatabaseUnavailable 503 database_unavailable
            └── UnfitDatabase   (the same code)
"""

from depot.chassis.http.problems import Problem, Unavailable


class PalletNotFound(Problem):
    """No such pallet, or no longer."""

    status, code, title = 404, "pallet_not_found", "There is no such pallet"
    advice = "Look for its id in the list. After a ``DELETE`` nothing is left to do."


class NameTaken(Problem):
    """Another pallet has the name."""

    status, code, title = 409, "name_taken", "The name is taken"
    advice = "Choose another name. It may be your own, if the answer to an earlier request was lost: look in the list."


class VersionMismatch(Problem):
    """The caller knows another version than the one that is there."""

    status, code, title = 412, "version_mismatch", "It has changed since you read it"
    adds = "The ``ETag`` header: the version that is there."
    advice = "Read it again, see whether your change still fits, and send that with the new ``ETag`` in ``If-Match``."

    def __init__(self, version: int) -> None:
        super().__init__("If-Match names another version than the one that is there; its ETag is in the headers.")
        self.version = version


class Overloaded(Unavailable):
    """Too many at once; nothing was done."""

    code, title = "busy", "The service is busy"
    advice = "Wait, then send it again."


class DatabaseUnavailable(Unavailable):
    """The database is away, or not in a state to be trusted.

    Nothing was done, unless the answer to a change was lost on its way: then it may have been.
    """

    code, title = "database_unavailable", "The database is not available"
    advice = "Wait, then send it again; names are unique, so nothing is registered twice."

    def __init__(self, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        # For operators: it may name files and hosts.
        self.reason = reason or detail


class UnusableDatabase(DatabaseUnavailable):
    """The database answers, but must not be used as it is; the detail says what to do."""
