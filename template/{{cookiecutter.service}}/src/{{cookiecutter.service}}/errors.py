"""The errors of the depot, each with its stable code.

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
    """The pallet does not exist, or was removed."""

    status, code, title = 404, "pallet_not_found", "There is no such pallet"
    advice = "Find the id in the list. After a repeated ``DELETE`` there is nothing left to do."


class NameTaken(Problem):
    """Another pallet has the name."""

    status, code, title = 409, "name_taken", "The name is taken"
    advice = "Choose another name. If the response to an earlier request was lost, the name may be your own."


class VersionMismatch(Problem):
    """The current version is not the one in ``If-Match``."""

    status, code, title = 412, "version_mismatch", "It has changed since you read it"
    adds = "The ``ETag`` header: the current version."
    advice = "Read it again, check whether your change still applies, and send it with the new ``ETag``."

    def __init__(self, version: int) -> None:
        super().__init__("The current version is not the one in If-Match; its ETag is in the headers.")
        self.version = version


class Overloaded(Unavailable):
    """The service is overloaded; the request had no effect."""

    code, title = "busy", "The service is busy"
    advice = "Wait, then retry."


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or cannot be used in its state.

    The request had no effect, unless the database's reply to a change was lost; then the change may have been made.
    """

    code, title = "database_unavailable", "The database is not available"
    advice = "Wait, then retry; names are unique, so nothing is registered twice."

    def __init__(self, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        # For operators: it may name files and hosts.
        self.reason = reason or detail


class UnusableDatabase(DatabaseUnavailable):
    """The database can be reached, but cannot be used; the detail describes what to do."""
