"""Instants in the database: how they are kept, what its clock says, and how far two are apart."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Float
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from invsys.inventory.dialects import spelled

# Before and after every instant that is kept.
BEFORE_ALL, AFTER_ALL = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


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


@spelled(
    postgresql="statement_timestamp()",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
)
class clock(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """The database's clock, the only one that decides: at the start of the statement."""

    type = UtcDateTime()
    inherit_cache = True


@spelled(
    postgresql="statement_timestamp() + make_interval(secs => CAST({0} AS float8))",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now', {0} || ' seconds') || '000')",
)
class later(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """So many seconds after the database's clock (before it, if negative); null for null."""

    type = UtcDateTime()
    inherit_cache = True


@spelled(
    postgresql="CAST(extract(epoch FROM {1} - {0}) AS float8)",
    sqlite="((julianday({1}) - julianday({0})) * 86400)",
)
class seconds_between(FunctionElement[float]):  # noqa: N801 - it is read as an SQL function
    """How long from the first instant to the second, in seconds."""

    type = Float()
    inherit_cache = True
