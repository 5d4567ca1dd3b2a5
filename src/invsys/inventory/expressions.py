"""What each database spells in its own way: new ids, what JSON holds, what a subquery finds."""

import uuid
from typing import Any

from sqlalchemy import Boolean, String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType


class new_id(FunctionElement[uuid.UUID]):  # noqa: N801 - it is read as an SQL function
    """A random UUID (RFC 9562, version 4), another one for each row."""

    type = Uuid()
    inherit_cache = True


@compiles(new_id)
def _postgresql_new_id(element: new_id, compiler: SQLCompiler, **kwargs: Any) -> str:
    return "gen_random_uuid()"


@compiles(new_id, "sqlite")
def _sqlite_new_id(element: new_id, compiler: SQLCompiler, **kwargs: Any) -> str:
    # 32 hexadecimal digits; the 13th is the version, the 17th begins with the variant.
    return "lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2))"


class attribute_text(FunctionElement[str]):  # noqa: N801 - it is read as an SQL function
    """The value of one key of a JSON object as text: ``Leeds``, ``4``, ``true``; null where there is none."""

    type = String()
    inherit_cache = True


@compiles(attribute_text)
def _postgresql_attribute(element: attribute_text, compiler: SQLCompiler, **kwargs: Any) -> str:
    attributes, key = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({attributes} ->> CAST({key} AS text))"


@compiles(attribute_text, "sqlite")
def _sqlite_attribute(element: attribute_text, compiler: SQLCompiler, **kwargs: Any) -> str:
    # A function of ours (``on_sqlite``): its own knows keys with quotes in them only as a table's rows, in which a
    # number has lost how it was written.
    attributes, key = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"attribute_text({attributes}, {key})"


class contains(FunctionElement[bool]):  # noqa: N801 - it is read as an SQL function
    """Whether a flat JSON object has every member of another one, with exactly its value."""

    type = Boolean()
    inherit_cache = True


@compiles(contains)
def _postgresql_contains(element: contains, compiler: SQLCompiler, **kwargs: Any) -> str:
    attributes, wanted = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(CAST({attributes} AS jsonb) @> CAST({wanted} AS jsonb))"


@compiles(contains, "sqlite")
def _sqlite_contains(element: contains, compiler: SQLCompiler, **kwargs: Any) -> str:
    attributes, wanted = (compiler.process(clause, **kwargs) for clause in element.clauses)
    numbers = "('integer', 'real')"
    same_type = f"(has.type = wanted.type OR (has.type IN {numbers} AND wanted.type IN {numbers}))"
    has = f"SELECT 1 FROM json_each({attributes}) AS has WHERE has.key = wanted.key"  # noqa: S608 - of clauses
    return (
        f"(NOT EXISTS (SELECT 1 FROM json_each({wanted}) AS wanted"  # noqa: S608 - of clauses
        f" WHERE NOT EXISTS ({has} AND {same_type} AND has.value = wanted.value)))"
    )


class keys_of(FunctionElement[Any]):  # noqa: N801 - it is read as an SQL function
    """A subquery of the keys in a JSON list."""

    type = NullType()
    inherit_cache = True


@compiles(keys_of)
def _postgresql_keys_of(element: keys_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(SELECT CAST(json_array_elements_text({compiler.process(element.clauses, **kwargs)}) AS bigint))"


@compiles(keys_of, "sqlite")
def _sqlite_keys_of(element: keys_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kwargs)}))"  # noqa: S608 - of clauses


class among(FunctionElement[Any]):  # noqa: N801 - it is read as an SQL function
    """Whether a key is among those that a subquery finds, which is asked once, before anything else."""

    # Not Boolean: on SQLite that would be compared with 1, and no index would serve.
    type = NullType()
    inherit_cache = True


@compiles(among)
def _postgresql_among(element: among, compiler: SQLCompiler, **kwargs: Any) -> str:
    # IN would leave it to the planner, who without statistics may ask anew for every row.
    key, subquery = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({key} = ANY (ARRAY{subquery}))"


@compiles(among, "sqlite")
def _sqlite_among(element: among, compiler: SQLCompiler, **kwargs: Any) -> str:
    key, subquery = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({key} IN {subquery})"
