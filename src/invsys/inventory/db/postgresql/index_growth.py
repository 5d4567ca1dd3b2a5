"""Grows the index of the exclusion constraint on PostgreSQL to more than one page.

PostgreSQL 15.18 (src/backend/access/gist/gistget.c) keeps the positions of dead entries that a scan found while the
root of a GiST index was its only page. If the root is split before the same scan is repeated, as in a nested loop, it
marks the entries at these positions of another page as dead, although their rows exist. The constraint does not find
these rows any more, and accepts overlaps. PostgreSQL 17.12 did not do so in the same test. A root that has been split
once stays so, unless the index is built again while it has few entries.
"""

from sqlalchemy import Connection, text

# The first version that did not lose entries, as server_version_num.
_UNAFFECTED = 170000

# The entries need more than one page, also of 32 KiB.
_INSERT_VEHICLE = (
    "INSERT INTO continuous_resources (key, id, resource_type, name, attributes)"
    " VALUES (-1, gen_random_uuid(), 'none', 'grows the index', '{}')"
)
_INSERT_ALLOCATIONS = (
    "INSERT INTO continuous_resource_allocations (key, id, resource_key, starts, ends, allocation_type, dump)"
    " SELECT -number, gen_random_uuid(), -1, timestamptz '2000-01-01 00:00:00+00' + number * interval '1 hour',"
    " timestamptz '2000-01-01 01:00:00+00' + number * interval '1 hour', 'none', '{}'"
    " FROM generate_series(1, 2000) number"
)
_STATEMENTS = (
    _INSERT_VEHICLE,
    _INSERT_ALLOCATIONS,
    "DELETE FROM continuous_resource_allocations WHERE resource_key = -1",
    "DELETE FROM continuous_resources WHERE key = -1",
)
# A migration to an old version may have dropped the index; its size is null then.
_HAS_ONE_PAGE = (
    "SELECT pg_relation_size(to_regclass('ex_continuous_resource_allocations_no_overlap'))"
    " <= current_setting('block_size')::integer"
)


def is_due(connection: Connection) -> bool:
    """Return whether the root of the index is its only page."""
    return bool(connection.scalar(text(_HAS_ONE_PAGE)))


def loses_entries(connection: Connection) -> bool:
    """Return whether the index can lose entries on this server: it is due, and the server is older than 17."""
    return is_due(connection) and int(connection.scalar(text("SHOW server_version_num")) or 0) < _UNAFFECTED


def grow(connection: Connection) -> None:
    """Split the root of the index if it is the only page, under an exclusive lock. The role must own the tables."""
    if not is_due(connection):
        return
    connection.execute(text("LOCK TABLE continuous_resource_allocations IN ACCESS EXCLUSIVE MODE"))
    for statement in _STATEMENTS:
        connection.execute(text(statement))
