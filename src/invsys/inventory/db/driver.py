"""A statement run straight on the driver's connection, past SQLAlchemy's bookkeeping.

For the orders that everybody waits for: on PostgreSQL a create takes a quarter less of the processor's time.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]


@dataclass(frozen=True)
class CompiledStatement:
    """A statement's text, its constants, and what values need on their way in and columns on their way out."""

    sql: str
    constants: dict[str, Any]
    binders: dict[str, Processor]
    columns: Sequence[tuple[str, Processor | None]]

    def bind(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give the values as the driver takes them."""
        bound = {**self.constants, **values}
        for name, binder in self.binders.items():
            bound[name] = binder(bound[name])
        return bound

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """Give the driver's row by the names of its columns."""
        return {
            name: value if given is None else given(value)
            for (name, given), value in zip(self.columns, row, strict=True)
        }


@functools.lru_cache
def compile_statement(statement: Executable, dialect: Dialect, paramstyle: str) -> CompiledStatement:
    """Compile a statement, with parameters by name in the driver's style."""
    json = dialect._json_serializer  # noqa: SLF001 - the engine's, and nowhere public
    named: Dialect = type(dialect)(paramstyle=paramstyle, json_serializer=json)  # type: ignore[call-arg]
    made = statement.compile(dialect=named)  # type: ignore[attr-defined]
    assert isinstance(made, SQLCompiler)
    names = made.bind_names.items()
    constants = {name: bind.value for bind, name in names if not bind.required}
    binders = {name: bind.type.dialect_impl(named).bind_processor(named) for bind, name in names}
    columns = [
        (column.key, column.type.dialect_impl(named).result_processor(named, None))
        for column in getattr(statement, "exported_columns", ())
    ]
    return CompiledStatement(
        str(made), constants, {name: binder for name, binder in binders.items() if binder}, columns
    )
