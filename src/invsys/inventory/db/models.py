"""The tables.

What keeps allocations apart cannot be written once for both databases: the exclusion constraint (PostgreSQL) and the
triggers (SQLite) stand in the first migration, as do the indexes that only serve speed; what numbers the events of the
change feed stands in the second.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from invsys.inventory.db.functions import db_now
from invsys.inventory.db.types import UtcDateTime

# A row of an answer: columns by name.
Row = Mapping[Any, Any]


# Every constraint has a name, so that a migration can find it on both databases.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

db = SQLAlchemy(metadata=MetaData(naming_convention=NAMES))


# SQLite numbers rows by itself only where the column is exactly INTEGER.
_Key = BigInteger().with_variant(Integer(), "sqlite")


class ContinuousResource(db.Model):  # type: ignore[name-defined]
    """A vehicle: something that can be allocated for any period."""

    __tablename__ = "continuous_resources"

    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, default=uuid.uuid4, unique=True)
    resource_type: Mapped[str] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(36))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    # Set when the vehicle leaves circulation: it is gone for callers, and its name is free again.
    decommissioned: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(
            "uq_continuous_resources_name_in_circulation",
            "resource_type",
            "name",
            unique=True,
            sqlite_where=text("decommissioned IS NULL"),
            postgresql_where=text("decommissioned IS NULL"),
        ),
    )


class ContinuousResourceAllocation(db.Model):  # type: ignore[name-defined]
    """A vehicle's period that belongs to somebody; no two of one vehicle overlap."""

    __tablename__ = "continuous_resource_allocations"

    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, default=uuid.uuid4, unique=True)
    resource_key: Mapped[int] = mapped_column(_Key, ForeignKey(ContinuousResource.key))
    starts: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends: Mapped[datetime | None] = mapped_column(UtcDateTime)
    allocation_type: Mapped[str] = mapped_column(String(20), server_default="booking")
    description: Mapped[str | None] = mapped_column(String(100))
    dump: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    # Until when a hold holds; null: confirmed.
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    # Who made it, and owns it; null: nobody whom a gateway names.
    client_id: Mapped[str | None] = mapped_column(String(255))
    # When it was last changed; null: not since it was made.
    changed: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Event(db.Model):  # type: ignore[name-defined]
    """A change that took place: of what kind, by whom, and a copy of the row as it was afterwards.

    Nothing refers to it and it refers to nothing, so that the story outlives what it tells of.
    """

    __tablename__ = "events"

    # The place in the feed. On PostgreSQL the second migration says how it is drawn.
    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    kind: Mapped[str] = mapped_column(String(24))
    resource_type: Mapped[str] = mapped_column(String(36))
    resource_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    allocation_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    client_id: Mapped[str | None] = mapped_column(String(255))
    # Of both.
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    # Of a vehicle.
    name: Mapped[str | None] = mapped_column(String(36))
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # Of an allocation.
    starts: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends: Mapped[datetime | None] = mapped_column(UtcDateTime)
    allocation_type: Mapped[str | None] = mapped_column(String(20))
    description: Mapped[str | None] = mapped_column(String(100))
    dump: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdempotencyKey(db.Model):  # type: ignore[name-defined]
    """What was done under a caller's Idempotency-Key: the events (their keys, a list) that tell the result."""

    __tablename__ = "idempotency_keys"

    # Empty for callers that no gateway names.
    client_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 of the request.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    events: Mapped[list[int]] = mapped_column(JSON)


class CursorState(db.Model):  # type: ignore[name-defined]
    """The secret that encrypts cursors, and the last event that ``purge`` deleted (null: none yet); a single row."""

    __tablename__ = "cursor_state"

    key: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # For AES-SIV: two keys of 256 bits.
    secret: Mapped[bytes] = mapped_column(LargeBinary(64))
    purged_key: Mapped[int | None] = mapped_column(_Key)
    purged_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
