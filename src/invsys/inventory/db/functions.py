"""SQL functions that the two databases write differently."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Boolean, Float, String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from invsys.inventory.db.types import UtcDateTime

Element = TypeVar("Element", bound=type[FunctionElement[Any]])


def compiles_to(*, postgresql: str, sqlite: str) -> Callable[[Element], Element]:
    """Have a class of elements written so on each database; ``{0}``, ``{1}``... are its arguments."""

    def decorate(element: Element) -> Element:
        for dialect, form in (("postgresql", postgresql), ("sqlite", sqlite)):
            compiles(element, dialect)(_writer(form))
        return element

    return decorate


def _writer(form: str) -> Callable[..., str]:
    def write(element: FunctionElement[Any], compiler: SQLCompiler, **kwargs: Any) -> str:
        return form.format(*(compiler.process(argument, **kwargs) for argument in element.clauses))

    return write


@compiles_to(
    postgresql="statement_timestamp()",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
)
class db_now(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """The database's clock, the only one that decides: at the start of the statement."""

    type = UtcDateTime()
    inherit_cache = True


@compiles_to(
    postgresql="statement_timestamp() + make_interval(secs => CAST({0} AS float8))",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now', {0} || ' seconds') || '000')",
)
class now_plus(FunctionElement[datetime]):  # noqa: N801 - it is read as an SQL function
    """So many seconds after the database's clock (before it, if negative); null for null."""

    type = UtcDateTime()
    inherit_cache = True


@compiles_to(
    postgresql="CAST(extract(epoch FROM {1} - {0}) AS float8)",
    sqlite="((julianday({1}) - julianday({0})) * 86400)",
)
class seconds_between(FunctionElement[float]):  # noqa: N801 - it is read as an SQL function
    """How long from the first instant to the second, in seconds."""

    type = Float()
    inherit_cache = True


@compiles_to(
    postgresql="gen_random_uuid()",
    # 32 hexadecimal digits; the 13th is the version, the 17th begins with the variant.
    sqlite="lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2))",
)
class new_id(FunctionElement[uuid.UUID]):  # noqa: N801 - it is read as an SQL function
    """A random UUID (RFC 9562, version 4), another one for each row."""

    type = Uuid()
    inherit_cache = True


@compiles_to(
    postgresql="({0} ->> CAST({1} AS text))",
    # A function of ours (``on_sqlite``): its own knows keys with quotes in them only as a table's rows, in which a
    # number has lost how it was written.
    sqlite="attribute_text({0}, {1})",
)
class attribute_text(FunctionElement[str]):  # noqa: N801 - it is read as an SQL function
    """The value of one key of a JSON object as text: ``Leeds``, ``4``, ``true``; null where there is none."""

    type = String()
    inherit_cache = True


@compiles_to(
    postgresql="(json_typeof({0} -> CAST({1} AS text)) = 'number')",
    sqlite="attribute_is_number({0}, {1})",  # ours, as above
)
class attribute_is_number(FunctionElement[bool]):  # noqa: N801 - it is read as an SQL function
    """Whether the value of one key of a JSON object is a number; null where there is none."""

    type = Boolean()
    inherit_cache = True


@compiles_to(
    postgresql="(CAST({0} AS jsonb) @> CAST({1} AS jsonb))",
    # Ours: SQLite compares a whole number with the double, PostgreSQL with the text.
    sqlite="attributes_contain({0}, {1})",
)
class json_contains(FunctionElement[bool]):  # noqa: N801 - it is read as an SQL function
    """Whether a flat JSON object has every member of another one, with exactly its value: 4.0 is 4, "4" is not."""

    type = Boolean()
    inherit_cache = True


@compiles_to(postgresql='({0} COLLATE "C")', sqlite="{0}")
class by_code_point(FunctionElement[str]):  # noqa: N801 - it is read as an SQL function
    """A text that is compared by code point, whatever the database's collation."""

    type = String()
    inherit_cache = True


@compiles_to(postgresql="idempotency_keys.ctid", sqlite="idempotency_keys.rowid")
class address_of_key(FunctionElement[Any]):  # noqa: N801 - it is read as an SQL column
    """Where a row of ``idempotency_keys`` is stored, valid within one statement."""

    type = NullType()
    inherit_cache = True


@compiles_to(
    postgresql="(SELECT CAST(json_array_elements_text({0}) AS bigint))",
    sqlite="(SELECT value FROM json_each({0}))",
)
class json_array_elements(FunctionElement[Any]):  # noqa: N801 - it is read as an SQL function
    """A subquery of the keys in a JSON list."""

    type = NullType()
    inherit_cache = True


@compiles_to(
    # IN would leave it to the planner, who without statistics may ask anew for every row.
    postgresql="({0} = ANY (ARRAY{1}))",
    sqlite="({0} IN {1})",
)
class in_subquery(FunctionElement[Any]):  # noqa: N801 - it is read as an SQL function
    """Whether a key is among those that a subquery finds, which is asked once, before anything else."""

    # Not Boolean: on SQLite that would be compared with 1, and no index would serve.
    type = NullType()
    inherit_cache = True
