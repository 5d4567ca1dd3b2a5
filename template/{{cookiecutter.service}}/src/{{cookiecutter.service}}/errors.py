"""The failures of the depot, each with its stable code.

::

    Problem
    ├── PalletNotFound         404 pallet_not_found
    ├── NameTaken              409 name_taken
    ├── VersionMismatch        412 version_mismatch
    └── Unavailable
        ├── Overloaded         503 busy
        └── DatabaseUnavailable 503 database_unavailable
            └── UnusableDatabase (the same code)
"""

from depot.chassis.http.problems import Problem, Unavailable


class PalletNotFound(Problem):
    """No pallet has this id."""

    status, code, title = 404, "pallet_not_found", "There is no such pallet"
    advice = "Find the id in the list. After a ``DELETE``, nothing is left to do."


class NameTaken(Problem):
    """Another pallet already has the name."""

    status, code, title = 409, "name_taken", "The name is taken"
    advice = (
        "Choose another name. If the response to an earlier request was lost, that request may have registered"
        " the pallet: look in the list."
    )


class VersionMismatch(Problem):
    """The version in ``If-Match`` is not the current version of the pallet; nothing was changed."""

    status, code, title = 412, "version_mismatch", "The pallet has changed since you read it"
    additional_data = "The ``ETag`` header: the current version."
    advice = "Read the pallet again. If your change still makes sense, send it with the new ``ETag``."

    def __init__(self, version: int) -> None:
        super().__init__("If-Match does not match the current version, which is in the ETag header.")
        self.version = version


class Overloaded(Unavailable):
    """The service or its database has too many concurrent requests; nothing was changed."""

    code, title = "busy", "The service is busy"
    advice = "Wait, then repeat the request."


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or its state does not allow the service to use it.

    Nothing was changed, except possibly if the connection was lost during a change.
    """

    code, title = "database_unavailable", "The database is not available"
    advice = "Wait, then repeat the request. Names are unique, so no pallet is registered twice."

    def __init__(self, detail: str, reason: str | None = None) -> None:
        super().__init__(detail)
        # For operators only: it may contain names of files and hosts.
        self.reason = reason or detail


class UnusableDatabase(DatabaseUnavailable):
    """The database responds, but the service must not use it in its current state; ``detail`` explains what to do."""
