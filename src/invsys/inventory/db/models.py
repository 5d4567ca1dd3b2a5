"""The tables.

Some parts of the schema are only in the migrations: the exclusion constraint (PostgreSQL) and the triggers (SQLite)
that prevent overlaps (0001), the numbering of events (0002), the triggers that protect archived time and the partitions
of the archive (0009), and the indexes that only improve speed (several).
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
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

# A row of a result: values by column name.
Row = Mapping[Any, Any]


# Characters; the greatest length of a vehicle's name.
MAX_NAME = 36

# Every constraint has a name, so that migrations can refer to it on both databases.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}

db = SQLAlchemy(metadata=MetaData(naming_convention=NAMES))


# SQLite generates row numbers only for a column whose type is exactly INTEGER.
_Key = BigInteger().with_variant(Integer(), "sqlite")


class ContinuousResource(db.Model):  # type: ignore[name-defined]
    """A vehicle: a resource that can be allocated for any period."""

    __tablename__ = "continuous_resources"

    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, default=uuid.uuid4, unique=True)
    resource_type: Mapped[str] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    # When the vehicle left circulation. From then on callers do not see it, and its name can be used again.
    decommissioned: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # New allocations must end by this instant; null if the vehicle is open.
    closed_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The greatest end of an archived allocation; null if there is none. New allocations must start at it or later.
    archived_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

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
    """The allocation of a vehicle for a period. Two allocations of a vehicle never overlap."""

    __tablename__ = "continuous_resource_allocations"

    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, default=uuid.uuid4, unique=True)
    resource_key: Mapped[int] = mapped_column(_Key, ForeignKey(ContinuousResource.key))
    starts: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends: Mapped[datetime | None] = mapped_column(UtcDateTime)
    allocation_type: Mapped[str] = mapped_column(String(20), server_default="booking")
    description: Mapped[str | None] = mapped_column(String(100))
    dump: Mapped[dict[str, Any]] = mapped_column(JSON, server_default="{}")
    # When the hold expires; null if the allocation is confirmed.
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    # The client that created the allocation and owns it; null if the request came without a gateway.
    client_id: Mapped[str | None] = mapped_column(String(255))
    # The time of the last change; null if the allocation was never changed.
    changed: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The caller's own order number. Several allocations can have the same one.
    reference: Mapped[str | None] = mapped_column(String(128))


# The allocations that ``archive`` has moved; all of them are confirmed and have an end. PostgreSQL partitions the table
# by the month of ``ends``.
ARCHIVED_ALLOCATIONS = db.Table(
    "archived_allocations",
    *(
        Column(
            column.name,
            column.type,
            primary_key=column.name in ("id", "ends"),
            nullable=column.nullable and column.name != "ends",
        )
        for column in ContinuousResourceAllocation.__table__.columns
    ),
)


class Event(db.Model):  # type: ignore[name-defined]
    """The event of a change: its kind, the client and the request that made it, and a copy of the changed row.

    The table has no foreign keys, so that events outlast the rows that they describe.
    """

    __tablename__ = "events"

    # The position in the feed. Migration 0002 describes how PostgreSQL generates it.
    key: Mapped[int] = mapped_column(_Key, primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid)
    at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    kind: Mapped[str] = mapped_column(String(24))
    resource_type: Mapped[str] = mapped_column(String(36))
    resource_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    allocation_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    client_id: Mapped[str | None] = mapped_column(String(255))
    # The X-Request-Id of the request that made the change; null if no request made it.
    request_id: Mapped[str | None] = mapped_column(String(128))
    # The owner of the allocation (its ``client_id``); null for vehicles, and in events from before migration 0006.
    owner_id: Mapped[str | None] = mapped_column(String(255))
    # Columns of vehicles and allocations.
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)
    # Columns of vehicles.
    name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    closed_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Columns of allocations.
    starts: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends: Mapped[datetime | None] = mapped_column(UtcDateTime)
    allocation_type: Mapped[str | None] = mapped_column(String(20))
    description: Mapped[str | None] = mapped_column(String(100))
    reference: Mapped[str | None] = mapped_column(String(128))
    dump: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdempotencyKey(db.Model):  # type: ignore[name-defined]
    """A caller's Idempotency-Key and the result of its request, as a list of keys of events."""

    __tablename__ = "idempotency_keys"

    # Empty if the request came without a gateway.
    client_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 of the request.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=db_now())
    events: Mapped[list[int]] = mapped_column(JSON)


class CursorState(db.Model):  # type: ignore[name-defined]
    """A single row: the secret that encrypts cursors, the progress of ``purge``, and that of ``archive``.

    Both are null at first.
    """

    __tablename__ = "cursor_state"

    key: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    # Two keys of 256 bits for AES-SIV.
    secret: Mapped[bytes] = mapped_column(LargeBinary(64))
    # The last event that it deleted.
    purged_key: Mapped[int | None] = mapped_column(_Key)
    purged_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    # When it last finished.
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The greatest ``archived_until`` of all vehicles.
    archived_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
