"""PostgreSQL sessions: the settings on which results depend, and checks that the database can be used."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import psycopg

from invsys.inventory.errors import UnusableDatabase

# Set in every session, overriding the server, the database, the role, the URL and the environment (PGOPTIONS, PGTZ,
# PGDATESTYLE). Unless a comment states otherwise, the values are PostgreSQL's defaults. Settings that the server's
# version lacks are skipped.
#
# These settings are deliberately not set (PostgreSQL 15 and 17, chapter 20):
# - search_path selects the schema, in installations with several schemas. If it leads to no tables, the service refuses
#   to start, because it finds no migration.
# - default_transaction_read_only is the operator's switch for maintenance. No host is then writable
#   (target_session_attrs=read-write), and every request gets a 503.
# - synchronous_commit is checked but not set: the operator chooses whether commits wait for standbys (on, remote_apply
#   and others).
# - Planner, memory, tablespace, logging and vacuum settings change the speed but not the results. The rest concerns
#   features that are not used here: XML, text search, GIN indexes, backslashes in literals, names of time zones.
_SETTINGS = {
    # Output formats: the driver parses only these.
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",  # not the default
    "bytea_output": "hex",
    "extra_float_digits": "1",
    # The meaning of statements.
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "off",  # not the default: a policy that would hide rows causes an error instead
    # Transactions. Under load, "serializable" fails in cases in which "read committed" waits.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "exit_on_error": "off",
    # Timeouts: statement_timeout includes the wait for locks, and the pool manages idle connections.
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # from PostgreSQL 17 on
    # Not the default: compiling a statement of a few milliseconds takes a second.
    "jit": "off",
    # Used by the database functions of the change feed. A preset value would hide running transactions from readers.
    "invsys.writes_events": "",
}

# A connection parameter, so that the driver uses it from the first byte on and ignores PGCLIENTENCODING.
ENCODING = {"client_encoding": "utf8"}

_OPEN = """
    SELECT (
        SELECT count(set_config(name, value, false)) FROM unnest(%s::text[], %s::text[]) AS setting(name, value)
        WHERE current_setting(name, true) IS NOT NULL
    ), current_database(), current_setting('server_encoding'), current_setting('session_replication_role'),
    current_setting('fsync'), current_setting('synchronous_commit'), pg_backend_pid()"""


class Session(NamedTuple):
    """The server settings and the process number of a new session."""

    fsync: str
    synchronous_commit: str
    pid: int


def open_session(
    connection: psycopg.Connection[Any], timeout: int, more: Mapping[str, str] = MappingProxyType({})
) -> Session:
    """Apply the settings and ``more`` in one round trip; ``timeout`` is the statement timeout in seconds.

    Raises UnusableDatabase if the database has the wrong encoding or does not check foreign keys.
    """
    timeouts = dict.fromkeys(["statement_timeout", "idle_in_transaction_session_timeout"], str(timeout * 1000))
    settings = {**_SETTINGS, **timeouts, **more}
    # In autocommit: a rollback would undo the settings.
    connection.autocommit = True
    row = connection.execute(_OPEN, [list(settings), list(settings.values())]).fetchone()
    connection.autocommit = False
    assert row is not None
    _, database, encoding, replication_role, *details = row
    if encoding != "UTF8":
        raise UnusableDatabase(
            f"The database {database} has the encoding {encoding}, but the service needs UTF8: create a database with"
            " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, restore a dump of this one into it if it contains"
            " data, and set [database] url to it."
        )
    if replication_role != "origin":
        raise UnusableDatabase(
            f"PostgreSQL does not check foreign keys in this session (session_replication_role = {replication_role}):"
            " reset that setting of the role, the database or the server."
        )
    return Session(*details)
