"""Access to the database: sessions that read, sessions that write, and the connection for a migration."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from depot.db.failures import translated
from depot.db.models import db
from depot.db.sqlite import file as sqlite_file


@contextmanager
def read() -> Iterator[Session]:
    """Yield a session for queries. On PostgreSQL, each query sees all changes that were committed before it.

    Raises DatabaseUnavailable, Overloaded.
    """
    with _transaction(only_reads=True) as session:
        yield session


@contextmanager
def write() -> Iterator[Session]:
    """Yield a session whose changes are committed together, or rolled back if an exception is raised.

    Raises DatabaseUnavailable, Overloaded. If a constraint rejects a change, raises sqlalchemy.exc.IntegrityError, at
    the latest on commit.
    """
    with _transaction(only_reads=False) as session:
        yield session


@contextmanager
def _transaction(*, only_reads: bool) -> Iterator[Session]:
    with translated():
        try:
            db.session.connection(execution_options={"only_reads": only_reads})
            yield db.session()
            db.session.commit()
        finally:
            # Roll back uncommitted changes, and return the connection to the pool.
            db.session.remove()


def connect_for_migration() -> Connection:
    """Return a connection for Alembic's ``env.py``; create a missing SQLite file if the command changes the database.

    Raises OSError, ``errors.Unavailable``.
    """
    with suppress(KeyError):
        # Commands that change nothing have no target revision; for them, this raises KeyError.
        context.get_revision_argument()
        if db.engine.dialect.name == "sqlite":
            sqlite_file.create(Path(str(db.engine.url.database)))
    with translated():
        return db.engine.connect()
