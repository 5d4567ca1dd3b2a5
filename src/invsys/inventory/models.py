"""The two tables, and what their columns can be asked in SQL.

What keeps allocations apart cannot be written once for both databases: the exclusion constraint (PostgreSQL) and the
triggers (SQLite) stand in the first migration, as do the indexes that only serve speed.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Uuid,
    literal,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

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


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, timestamptz in PostgreSQL, text of 26 characters that sorts in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Hand SQLite, which knows no offsets, naive UTC."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give aware UTC, whatever the session's time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class clock(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """The database's clock, the only one that decides: at the start of the statement."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(clock)
def _postgresql_clock(element: clock, compiler: SQLCompiler, **kwargs: Any) -> str:
    return "statement_timestamp()"


@compiles(clock, "sqlite")
def _sqlite_clock(element: clock, compiler: SQLCompiler, **kwargs: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


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
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=clock())
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
    created: Mapped[datetime] = mapped_column(UtcDateTime, server_default=clock())
    version: Mapped[int] = mapped_column(Integer, server_default="1")


class _Overlaps(FunctionElement[bool]):
    """``[starts, ends)`` and ``[start, end)`` share an instant; a null is infinite on its side."""

    type = Boolean()
    inherit_cache = True


@compiles(_Overlaps)
def _by_exclusion_index(element: _Overlaps, compiler: SQLCompiler, **kwargs: Any) -> str:
    starts, ends, start, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    # The exclusion constraint's own expression, so that its index answers.
    return f"tstzrange({starts}, {ends}) && tstzrange({start}, {end})"


@compiles(_Overlaps, "sqlite")
def _by_comparison(element: _Overlaps, compiler: SQLCompiler, **kwargs: Any) -> str:
    starts, ends, start, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    begins_before_its_end = f"({starts} IS NULL OR {end} IS NULL OR {starts} < {end})"
    return f"({begins_before_its_end} AND ({ends} IS NULL OR {start} IS NULL OR {start} < {ends}))"


def overlaps(start: Any, end: Any) -> ColumnElement[bool]:
    """Give the predicate "this allocation shares an instant with ``[start, end)``", ``Period.overlaps`` in SQL.

    Both are instants, bound parameters of that type, or None for infinity.
    """
    allocation = ContinuousResourceAllocation
    sides = (side if isinstance(side, BindParameter) else literal(side, UtcDateTime) for side in (start, end))
    return _Overlaps(allocation.starts, allocation.ends, *sides)
