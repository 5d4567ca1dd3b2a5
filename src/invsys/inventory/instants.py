"""Instants in the database: how they are kept, what its clock says, and how far two are apart."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

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


class later(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """So many seconds after the database's clock (before it, if negative); null for null."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(later)
def _postgresql_later(element: later, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"statement_timestamp() + make_interval(secs => CAST({_only(element, compiler, **kwargs)} AS float8))"


@compiles(later, "sqlite")
def _sqlite_later(element: later, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {_only(element, compiler, **kwargs)} || ' seconds') || '000')"


def _only(element: FunctionElement[Any], compiler: SQLCompiler, **kwargs: Any) -> str:
    (clause,) = element.clauses
    return compiler.process(clause, **kwargs)


class seconds_between(FunctionElement[float]):  # noqa: N801 - it is read as an SQL function
    """How long from the first instant to the second, in seconds."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between)
def _postgresql_seconds(element: seconds_between, compiler: SQLCompiler, **kwargs: Any) -> str:
    first, second = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"CAST(extract(epoch FROM {second} - {first}) AS float8)"


@compiles(seconds_between, "sqlite")
def _sqlite_seconds(element: seconds_between, compiler: SQLCompiler, **kwargs: Any) -> str:
    first, second = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"((julianday({second}) - julianday({first})) * 86400)"
