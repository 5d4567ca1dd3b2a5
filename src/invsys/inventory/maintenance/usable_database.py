"""The checks of the database before the service uses it."""

from invsys.inventory.db import schema_check
from invsys.inventory.db.standbys import start_check
from invsys.inventory.errors import DatabaseUnavailable, Overloaded, UnusableDatabase
from invsys.inventory.maintenance import integrity_check


def require() -> None:
    """Raise UnusableDatabase if the service must not use the database.

    Raises DatabaseUnavailable or Overloaded if that cannot be determined.
    """
    schema_check.require_compatible_schema()
    integrity_check.require_safe_index()


def require_at_start() -> None:
    """Raise UnusableDatabase, or DatabaseUnavailable for a SQLite file that cannot be used.

    If a server is merely unreachable, log a warning and start anyway: requests get 503 until it returns.
    """
    schema_check.require_usable_at_start()
    try:
        integrity_check.require_safe_index()
    except UnusableDatabase:
        raise
    except (Overloaded, DatabaseUnavailable):
        return
    start_check.require_usable_at_start()
