"""The precondition of a conditional request: ``If-Match`` (RFC 9110, section 13.1.1).

``chassis.http.conditional`` parses the header.
"""

from collections.abc import Collection

from invsys.inventory.db.models import Row
from invsys.inventory.errors import VersionMismatch


def require_version(row: Row, versions: Collection[int] | None) -> None:
    """Raise VersionMismatch unless the version of the row is one of ``versions``, those in ``If-Match`` (None: any)."""
    if versions is not None and row["version"] not in versions:
        raise VersionMismatch(row["version"])
