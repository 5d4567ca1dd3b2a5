"""The tables."""

import uuid
from datetime import UTC, datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped, mapped_column

from depot.chassis import identifiers
from depot.db.types import UtcDateTime

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


def _now() -> datetime:
    return datetime.now(UTC)


class Pallet(db.Model):  # type: ignore[name-defined]
    """A pallet; no two have the same name."""

    __tablename__ = "pallets"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=identifiers.new)
    name: Mapped[str] = mapped_column(String(36), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcDateTime, default=_now)
    # The id of the client, as reported by the gateway; null if the request did not come from the gateway.
    created_by: Mapped[str | None] = mapped_column(String(255))
    version: Mapped[int] = mapped_column()

    # SQLAlchemy increments the version with every change.
    __mapper_args__ = {"version_id_col": version}
