"""The migrations: which there are, and at which one a database is."""

import functools
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from invsys.inventory.errors import UnusableDatabase

MIGRATIONS = Path(__file__).parent / "migrations"


@functools.cache
def known() -> tuple[str, ...]:
    """Give the revisions that this version of the service knows, the newest first: that is what it was written for."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def newest() -> str:
    """Give the revision that this version of the service was written for."""
    return known()[0]


def require_newest(revision: str | None) -> None:
    """Raise UnfitDatabase for a database at another revision than the newest."""
    if revision is not None and revision not in known():
        raise UnusableDatabase(
            f"The database is at migration {revision}, which a newer version made; this one cannot use it."
        )
    if revision is None:
        raise UnusableDatabase("The database has no tables yet: run 'invsys-manage migrate'.")
    if revision != newest():
        raise UnusableDatabase(
            f"The database is at migration {revision}, this version needs {newest()}: run 'invsys-manage migrate'."
        )


def found(connection: Connection) -> str | None:
    """Give the revision of the database behind ``connection``; None where it was never migrated."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
