"""The tables."""

import uuid
from datetime import UTC, datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, MetaData, String
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from depot.chassis import identifiers

# Every constraint has a name, so that migrations can refer to it on both databases.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

# Rows remain readable after the commit.
db = SQLAlchemy(metadata=MetaData(naming_convention=NAMES), session_options={"expire_on_commit": False})


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, timestamptz in PostgreSQL, naive UTC in SQLite, which has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return naive UTC for SQLite."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return aware UTC, independent of the session's time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _now() -> datetime:
    return datetime.now(UTC)


class Pallet(db.Model):  # type: ignore[name-defined]
    """A pallet; no two have the same name."""

    __tablename__ = "pallets"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=identifiers.new)
    name: Mapped[str] = mapped_column(String(36), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    # The client as the gateway identified it; null if the request came without a gateway.
    created_by: Mapped[str | None] = mapped_column(String(255))
    version: Mapped[int] = mapped_column()

    # SQLAlchemy increments it with every change.
    __mapper_args__ = {"version_id_col": version}
