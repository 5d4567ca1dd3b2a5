"""SQL functions that PostgreSQL and SQLite spell differently.

They are called like the functions of ``sqlalchemy.func``: ``now_plus(60)``.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Boolean, Float, Integer, String, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine

from invsys.inventory.db.types import UtcDateTime

Result = TypeVar("Result")


def sql_function(
    name: str, result_type: TypeEngine[Result], *, postgresql: str, sqlite: str
) -> type[FunctionElement[Result]]:
    """Create an SQL function from its text in each dialect; ``{0}``, ``{1}`` and so on stand for its arguments."""
    # inherit_cache: statements with the function can be cached, because its arguments are all that varies.
    members = {"type": result_type, "inherit_cache": True}
    function = cast("type[FunctionElement[Result]]", type(name, (FunctionElement,), members))
    compiles(function, "postgresql")(_compiler(postgresql))
    compiles(function, "sqlite")(_compiler(sqlite))
    return function


def _compiler(template: str) -> Callable[..., str]:
    def compile_function(element: FunctionElement[Any], compiler: SQLCompiler, **kwargs: Any) -> str:
        return template.format(*(compiler.process(argument, **kwargs) for argument in element.clauses))

    return compile_function


# The time of the database's clock at the start of the statement. All decisions use this clock.
db_now = sql_function(
    "db_now",
    UtcDateTime(),
    postgresql="statement_timestamp()",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
)

# The attribute of the dialect of a standby's engine. On a standby, the time is that of its data (standbys.positions).
READS_STANDBY = "reads_standby"


@compiles(db_now, "postgresql")
def _compile_now(element: FunctionElement[Any], compiler: SQLCompiler, **kwargs: Any) -> str:
    if getattr(compiler.dialect, READS_STANDBY, False):
        return "CAST(current_setting('invsys.now') AS timestamptz)"
    return "statement_timestamp()"


# The time a number of seconds after ``db_now()``, or before it if the number is negative; null for null.
now_plus = sql_function(
    "now_plus",
    UtcDateTime(),
    postgresql="statement_timestamp() + make_interval(secs => CAST({0} AS float8))",
    sqlite="(strftime('%Y-%m-%d %H:%M:%f', 'now', {0} || ' seconds') || '000')",
)

# The seconds from the first instant to the second.
seconds_between = sql_function(
    "seconds_between",
    Float(),
    postgresql="CAST(extract(epoch FROM {1} - {0}) AS float8)",
    sqlite="((julianday({1}) - julianday({0})) * 86400)",
)

# The later and the earlier of two instants. If the first one is null, the result is the second one.
latest = sql_function(
    "latest",
    UtcDateTime(),
    postgresql="greatest({0}, {1})",
    sqlite="max(coalesce({0}, {1}), {1})",
)
earliest = sql_function(
    "earliest",
    UtcDateTime(),
    postgresql="least({0}, {1})",
    sqlite="min(coalesce({0}, {1}), {1})",
)

# The seconds from the second instant to the first one, exactly, in two parts: on PostgreSQL the first part has all
# digits. On SQLite a sum of microseconds could exceed 64 bits, which is an error.
seconds_since: type[FunctionElement[Any]] = sql_function(
    "seconds_since",
    NullType(),
    postgresql="extract(epoch FROM {0} - {1})",
    sqlite="(strftime('%s', substr({0}, 1, 19)) - strftime('%s', substr({1}, 1, 19)))",
)
microseconds_since: type[FunctionElement[Any]] = sql_function(
    "microseconds_since",
    NullType(),
    postgresql="0",
    sqlite="(substr({0}, 21) - substr({1}, 21))",
)

# Steps of a whole number of seconds (the last argument). The arguments of the first function are an instant, its
# seconds and microseconds since the start of step 0, and the origin, which is a microsecond after this start. The
# function returns a value to group by, for the first step that begins at the instant or later, but not before step 1.
# The second function returns the number of the step for this value.
step_key: type[FunctionElement[Any]] = sql_function(
    "step_key",
    NullType(),
    postgresql="date_bin({4} * interval '1 second', greatest({0}, {3}), {3})",
    sqlite="max(1, (1000000 * ({1} + {4}) + {2} - 1) / (1000000 * {4}))",
)
step_number: type[FunctionElement[Any]] = sql_function(
    "step_number",
    NullType(),
    postgresql="(CAST(extract(epoch FROM {0} - {1}) / {2} AS integer) + 1)",
    sqlite="{0}",
)

# A random UUID (RFC 9562, version 4), different for each row.
new_id = sql_function(
    "new_id",
    Uuid(),
    postgresql="gen_random_uuid()",
    # 32 hexadecimal digits. The 13th is the version, the 17th is the variant.
    sqlite="lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2))",
)

# A UUID that begins with the time in milliseconds (RFC 9562, version 7), different for each row. It is what
# ``identifiers.new_ordered`` returns in Python.
new_ordered_id = sql_function(
    "new_ordered_id",
    Uuid(),
    # Overwrites the first 6 of 16 random bytes. Two more bits turn version 4 into version 7.
    postgresql=(
        "CAST(encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send("
        "CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)) FROM 3) FROM 1 FOR 6)"
        ", 52, 1), 53, 1), 'hex') AS uuid)"
    ),
    sqlite=(
        "(printf('%012x', CAST((julianday('now') - 2440587.5) * 86400000 AS integer))"
        " || lower('7' || substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2)))"
    ),
)

# On SQLite, the next three call functions that ``sqlite.connections`` defines in Python. SQLite's JSON functions accept
# keys with quotes only in json_each, which does not preserve the spelling of numbers. They also compare a number as a
# double, while PostgreSQL compares its exact decimal value.

# The value of one key of a JSON object as text, such as ``Leeds``, ``4`` or ``true``; null if the key is missing.
attribute_text = sql_function(
    "attribute_text",
    String(),
    postgresql="({0} ->> CAST({1} AS text))",
    sqlite="attribute_text({0}, {1})",
)

# Whether the value of one key of a JSON object is a number; null on PostgreSQL, false on SQLite if the key is missing.
attribute_is_number = sql_function(
    "attribute_is_number",
    Boolean(),
    postgresql="(json_typeof({0} -> CAST({1} AS text)) = 'number')",
    sqlite="attribute_is_number({0}, {1})",
)

# Whether a flat JSON object contains every member of another one with an equal value: 4.0 equals 4, "4" does not.
json_contains = sql_function(
    "json_contains",
    Boolean(),
    postgresql="(CAST({0} AS jsonb) @> CAST({1} AS jsonb))",
    sqlite="attributes_contain({0}, {1})",
)

# A text that is compared by code point, independent of the collation of the database.
by_code_point = sql_function(
    "by_code_point",
    String(),
    postgresql='({0} COLLATE "C")',
    sqlite="{0}",
)

# The physical address of a row of ``idempotency_keys``, valid within one statement.
address_of_key: type[FunctionElement[Any]] = sql_function(
    "address_of_key",
    NullType(),
    postgresql="idempotency_keys.ctid",
    sqlite="idempotency_keys.rowid",
)

# A subquery that returns the elements of a JSON array of integers.
json_array_elements: type[FunctionElement[Any]] = sql_function(
    "json_array_elements",
    NullType(),
    # The function is in FROM, because Citus refuses some statements with a set in the list of columns.
    postgresql="(SELECT CAST(value AS bigint) FROM json_array_elements_text({0}))",
    sqlite="(SELECT value FROM json_each({0}))",
)

# The position of a key in a JSON array of integers.
json_array_position = sql_function(
    "json_array_position",
    Integer(),
    postgresql="array_position(ARRAY(SELECT CAST(value AS bigint) FROM json_array_elements_text({0})), {1})",
    sqlite="(SELECT element.key FROM json_each({0}) AS element WHERE element.value = {1})",
)

# A subquery that returns the elements of a JSON array of UUIDs, each in 32 hexadecimal digits.
json_array_ids: type[FunctionElement[Any]] = sql_function(
    "json_array_ids",
    NullType(),
    postgresql="(SELECT CAST(value AS uuid) FROM json_array_elements_text({0}))",
    sqlite="(SELECT value FROM json_each({0}))",
)

# Whether a key is in the result of a subquery, which is executed once, before the rest. The type is not Boolean: on
# SQLite SQLAlchemy would compare the result with 1, and the index would not be used.
in_subquery: type[FunctionElement[Any]] = sql_function(
    "in_subquery",
    NullType(),
    # ANY (ARRAY ...) instead of IN: without statistics, the planner may execute an IN subquery again for every row.
    postgresql="({0} = ANY (ARRAY{1}))",
    sqlite="({0} IN {1})",
)
