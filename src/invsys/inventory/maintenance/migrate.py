"""Brings the database to the newest migration, as installing the package does: with a copy to go back to."""

import logging
import sqlite3
from pathlib import Path

from flask_migrate import upgrade

from invsys.inventory.db import revisions, schema_check
from invsys.inventory.db.models import db
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.maintenance import copy as sqlite_copy

logger = logging.getLogger("invsys.inventory")

# SQLSTATE (PostgreSQL, appendix A).
_INSUFFICIENT_PRIVILEGE = "42501"


class MigrationError(Exception):
    """The database could not be brought to the newest migration; the message says how it is now, and what to do."""


def migrate() -> None:
    """Run the migrations that the database lacks; create a SQLite database, or copy it to ``NAME.before-REVISION``.

    The services that use it may go on meanwhile. Raises MigrationError, with the database as it was, and
    ``errors.Unavailable`` where it cannot be reached.
    """
    _create_file()
    found = schema_check.revision()
    if found == revisions.newest():
        logger.info("The database is at the newest migration, %s.", found)
        return
    if found is not None and found not in revisions.known():
        raise MigrationError(
            f"The database is at migration {found}, which this version does not know: a newer one made it. Nothing was"
            " changed. Install that version again, or restore a copy from before it."
        )
    copy = _copy(found)
    try:
        upgrade(directory=str(revisions.MIGRATIONS))
    except (Exception, SystemExit) as error:  # a migration may raise anything
        raise MigrationError(
            f"The migration failed: {_reason(error)}\nThe database is as it was, at migration {found or 'none'}"
            f"{f'; a copy from before is {copy}' if copy else ''}. {_advice(error)}"
        ) from error
    logger.info("The database is at migration %s.", revisions.newest())


def _create_file() -> None:
    """Create the file of a SQLite database where it is missing; no other command does."""
    if db.engine.dialect.name == "sqlite":
        file = Path(db.engine.url.database or "")
        try:
            sqlite_file.create(file)
        except OSError as error:
            raise MigrationError(f"{file} cannot be created: {error.strerror}.") from error


def _reason(error: BaseException) -> str:
    # Flask-Migrate has logged those for which it exits.
    return "see above." if isinstance(error, SystemExit) else str(getattr(error, "orig", error)).strip()


def _advice(error: BaseException) -> str:
    if getattr(getattr(error, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
        return (
            "The role in [database] url may not change tables: run 'invsys-manage migrate' with the URL of the tables'"
            " owner in INVSYS_DATABASE_URL."
        )
    return "Mend the reason and run 'invsys-manage migrate' again, or go back to the version before this one."


def _copy(revision: str | None) -> Path | None:
    """Copy a SQLite database that has something in it; PostgreSQL has backups of its own."""
    if revision is None or db.engine.dialect.name != "sqlite":
        return None
    file = Path(db.engine.url.database or "")
    copy = file.with_name(f"{file.name}.before-{revision}")
    try:
        unfinished = copy.with_name(f"{copy.name}.new")
        unfinished.unlink(missing_ok=True)
        sqlite_copy.copy_sqlite(file, unfinished)
        # One that an attempt before this left behind is older.
        unfinished.rename(copy)
    except (OSError, sqlite3.Error) as error:
        raise MigrationError(f"No copy could be made, and nothing was changed: {error}") from error
    logger.info("The database as it was is kept in %s.", copy)
    return copy
