"""The revisions of the migrations in this version of the service, and the revision of a database."""

import functools
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from invsys.inventory.errors import UnusableDatabase

MIGRATIONS = Path(__file__).parent / "migrations"


@functools.cache
def known() -> tuple[str, ...]:
    """Return the revisions of this version of the service, newest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return tuple(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def newest() -> str:
    """Return the revision that this version of the service needs."""
    return known()[0]


def require_newest(revision: str | None) -> None:
    """Raise UnusableDatabase unless ``revision`` is the newest; None means that the database has no tables."""
    if revision is not None and revision not in known():
        raise UnusableDatabase(
            f"The database is at migration {revision}, which comes from a newer version of the service: install that"
            " version."
        )
    if revision is None:
        raise UnusableDatabase("The database has no tables yet: run 'invsys-manage migrate'.")
    if revision != newest():
        raise UnusableDatabase(
            f"The database is at migration {revision}, this version needs {newest()}: run 'invsys-manage migrate'."
        )


def current(connection: Connection) -> str | None:
    """Return the revision of the database; None if it was never migrated."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
