"""The revisions of the migrations in this version of the service, and the revision of a database."""

import functools
import logging
from pathlib import Path
from typing import NamedTuple

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from invsys.inventory.errors import UnusableDatabase

logger = logging.getLogger("invsys.inventory")

MIGRATIONS = Path(__file__).parent / "migrations"


class Schema(NamedTuple):
    """The revision of a database, and the oldest revision whose version of the service works on it, if it is known."""

    revision: str | None
    compatible: str | None


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


def require_compatible(schema: Schema) -> None:
    """Raise UnusableDatabase unless this version works on ``schema``: the newest one, or a newer, compatible one."""
    if _is_compatible_newer(schema):
        logger.warning(
            "The database is at migration %s of a newer version of the service, which this version can use.",
            schema.revision,
        )
    else:
        require_newest(schema.revision)


def incompatibility(schema: Schema) -> str | None:
    """Return why this version does not work on the schema of a standby, as a clause; None if it does."""
    if schema.revision == newest() or _is_compatible_newer(schema):
        return None
    return f"its schema is at migration {schema.revision or '(none)'}, this version needs {newest()}"


def _is_compatible_newer(schema: Schema) -> bool:
    return schema.revision not in known() and schema.compatible in known()


def current(connection: Connection) -> Schema:
    """Return the schema of the database; its revision is None if it was never migrated."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return Schema(None, None)
    # All columns: older migrations have not added the second one yet.
    row = connection.execute(text("SELECT * FROM alembic_version")).mappings().first()
    return Schema(row["version_num"], row.get("compatible_revision")) if row else Schema(None, None)
