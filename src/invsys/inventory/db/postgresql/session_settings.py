"""PostgreSQL sessions: the settings that answers depend on, and databases that no setting makes usable."""

from typing import Any, NamedTuple

import psycopg

from invsys.inventory.errors import UnusableDatabase

# Set in every session, whatever the server, database, role, URL or environment (PGOPTIONS, PGTZ, PGDATESTYLE) say.
# The values are PostgreSQL's defaults unless a comment says otherwise; a setting that a version lacks is skipped.
#
# These are deliberately left as they are (PostgreSQL 15 and 17, chapter 20):
# - search_path selects the schema, as installations with several schemas do. Where it leads to no tables, the service
#   refuses to start, because it finds no migration.
# - default_transaction_read_only is the operator's switch for maintenance. No host then "takes changes"
#   (target_session_attrs=read-write), and every request gets a 503.
# - synchronous_commit is examined and not set: for the wait for standbys the operator chooses between on, remote_apply
#   and others.
# - Planner, memory, tablespace, logging and vacuum settings change the speed and not the answer. The remaining ones
#   concern what is not used here: XML, text search, GIN indexes, backslashes in literals, names of time zones.
_SETTINGS = {
    # How values are written: the driver reads one form of each.
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",  # not the default
    "bytea_output": "hex",
    "extra_float_digits": "1",
    # What a statement means.
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "off",  # not the default: a policy that hides rows is an error, and not a shorter answer
    # Transactions. "serializable" fails under load where "read committed" waits.
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "exit_on_error": "off",
    # Limits: statement_timeout bounds the wait for locks as well, and idle connections are the pool's matter.
    "lock_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",  # from PostgreSQL 17 on
    # Compiling a statement of milliseconds takes a second. Not the default.
    "jit": "off",
    # The change feed's, in PostgreSQL's functions: a value from outside would hide running transactions from readers.
    "invsys.writes_events": "",
}

# A connection parameter, so that the driver uses it from the first byte on, and PGCLIENTENCODING does not count.
ENCODING = {"client_encoding": "utf8"}

_OPEN = """
    SELECT (
        SELECT count(set_config(name, value, false)) FROM unnest(%s::text[], %s::text[]) AS setting(name, value)
        WHERE current_setting(name, true) IS NOT NULL
    ), current_database(), current_setting('server_encoding'), current_setting('session_replication_role'),
    current_setting('fsync'), current_setting('synchronous_commit'), pg_backend_pid()"""


class Session(NamedTuple):
    """What a new session says about its server."""

    fsync: str
    synchronous_commit: str
    pid: int


def open_session(connection: psycopg.Connection[Any], timeout: int) -> Session:
    """Set everything that answers depend on, in one round trip; ``timeout`` is a statement's, in seconds.

    Raises UnfitDatabase where the database cannot be used, whatever is set.
    """
    limits = dict.fromkeys(["statement_timeout", "idle_in_transaction_session_timeout"], str(timeout * 1000))
    settings = _SETTINGS | limits
    # In autocommit: a rollback would take the settings back.
    connection.autocommit = True
    row = connection.execute(_OPEN, [list(settings), list(settings.values())]).fetchone()
    connection.autocommit = False
    assert row is not None
    _, database, encoding, replication_role, *about = row
    if encoding != "UTF8":
        raise UnusableDatabase(
            f"The database {database} has the encoding {encoding}, and the service needs UTF8: create another one with"
            " CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, restore a dump of this one into it if it has"
            " data, and name it in [database] url."
        )
    if replication_role != "origin":
        raise UnusableDatabase(
            f"PostgreSQL does not check foreign keys in this session (session_replication_role = {replication_role}):"
            " reset the setting of the role, the database or the server."
        )
    return Session(*about)
