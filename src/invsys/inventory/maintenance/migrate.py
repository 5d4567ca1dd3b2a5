"""Migrates the database to the newest version of its schema; a SQLite database is copied first."""

import logging
import sqlite3
from contextlib import suppress
from pathlib import Path

from flask_migrate import upgrade

from invsys.chassis.http.problems import Unavailable
from invsys.inventory.db import revisions, schema_check
from invsys.inventory.db.models import db
from invsys.inventory.db.sqlite import file as sqlite_file
from invsys.inventory.maintenance import copy as sqlite_copy

logger = logging.getLogger("invsys.inventory")

# SQLSTATE (PostgreSQL, appendix A).
_INSUFFICIENT_PRIVILEGE = "42501"


class MigrationError(Exception):
    """The migration failed; the message describes the state of the database and what to do next."""


def migrate() -> None:
    """Run the missing migrations. Create a missing SQLite database; copy an existing one to ``NAME.before-REVISION``.

    Running services can keep using the database. Raises MigrationError, which describes the state of the database, and
    Unavailable if it cannot be reached.
    """
    _create_file()
    revision = schema_check.revision()
    is_newest = revision == revisions.newest()
    # On PostgreSQL, the environment of the migrations can have more to do (db/migrations/env.py).
    if is_newest and db.engine.dialect.name == "sqlite":
        logger.info("The database is at the newest migration, %s.", revision)
        return
    if revision is not None and revision not in revisions.known():
        raise MigrationError(
            f"The database is at migration {revision}, which a newer version created. Nothing was changed."
            " Install that version again, or restore a copy from before it."
        )
    copy = _copy(revision)
    try:
        upgrade(directory=str(revisions.MIGRATIONS))
    except (Exception, SystemExit) as error:  # a migration may raise anything
        raise MigrationError(
            f"The migration failed: {_reason(error)}\n{_state(revision)}"
            f"{f'; a copy of it is {copy}' if copy else ''}. {_advice(error)}"
        ) from error
    logger.info("The database is at %s %s.", "the newest migration," if is_newest else "migration", revisions.newest())


def _create_file() -> None:
    """Create the file of a SQLite database if it is missing; raises MigrationError."""
    if db.engine.dialect.name == "sqlite":
        file = Path(db.engine.url.database or "")
        try:
            sqlite_file.create(file)
        except OSError as error:
            raise MigrationError(f"cannot create {file}: {error.strerror}") from error


def _state(before: str | None) -> str:
    """Return the state of the database after a failure, for the message."""
    revision = before
    with suppress(Unavailable):
        revision = schema_check.revision()
    if revision == before:
        return f"The database is unchanged, at migration {before or 'none'}"
    # On PostgreSQL, only a step after the migrations has failed.
    return f"The database is at migration {revision}, and the service can use it"


def _reason(error: BaseException) -> str:
    # Flask-Migrate has already logged an error for which it exits.
    return "see above." if isinstance(error, SystemExit) else str(getattr(error, "orig", error)).strip()


def _advice(error: BaseException) -> str:
    if getattr(getattr(error, "orig", None), "sqlstate", None) == _INSUFFICIENT_PRIVILEGE:
        return (
            "The role in [database] url may not change tables: set INVSYS_DATABASE_URL to a URL with the role that owns"
            " them, and run 'invsys-manage migrate' again."
        )
    return "Correct the cause and run 'invsys-manage migrate' again, or install the previous version."


def _copy(revision: str | None) -> Path | None:
    """Copy a SQLite database that has tables; PostgreSQL has its own backups."""
    if revision is None or db.engine.dialect.name != "sqlite":
        return None
    file = Path(db.engine.url.database or "")
    copy = file.with_name(f"{file.name}.before-{revision}")
    try:
        unfinished = copy.with_name(f"{copy.name}.new")
        unfinished.unlink(missing_ok=True)
        sqlite_copy.copy_sqlite(file, unfinished)
        # This replaces the older copy of an earlier attempt.
        unfinished.rename(copy)
    except (OSError, sqlite3.Error) as error:
        raise MigrationError(f"cannot copy the database to {copy}, nothing was changed: {error}") from error
    logger.info("The database was copied to %s.", copy)
    return copy
