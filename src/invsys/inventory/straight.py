"""A statement run straight on the driver's connection, past SQLAlchemy's bookkeeping.

For the inserts that everybody waits for: on PostgreSQL a create takes a quarter less of the processor's time.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Insert

Processor = Callable[[Any], Any]


@dataclass(frozen=True)
class Straight:
    """A statement's text, and what its values need on their way in and out; ``given`` is the one column returned."""

    sql: str
    binders: dict[str, Processor]
    given: Processor | None

    def bind(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give the values as the driver takes them."""
        bound = dict(values)
        for name, binder in self.binders.items():
            bound[name] = binder(bound[name])
        return bound

    def read(self, row: tuple[Any, ...] | None) -> Any:
        """Give the value of the driver's row, or None where there is none."""
        if row is None:
            return None
        return row[0] if self.given is None else self.given(row[0])


@functools.lru_cache
def compiled(statement: Insert, dialect: Dialect, paramstyle: str) -> Straight:
    """Compile an insert that returns one column, with named parameters in the driver's style."""
    named: Dialect = type(dialect)(paramstyle=paramstyle)  # type: ignore[call-arg]
    made = statement.compile(dialect=named)
    binders = {name: _binder(bind.type, named) for name, bind in made.binds.items()}
    (returned,) = statement.exported_columns
    given = returned.type.dialect_impl(named).result_processor(named, None)
    return Straight(str(made), {name: binder for name, binder in binders.items() if binder}, given)


def _binder(kind: Any, dialect: Dialect) -> Processor | None:
    binder: Processor | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return binder
