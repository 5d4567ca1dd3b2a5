"""Other forms of the search for a free vehicle, as SQL; the parameters are ``start`` and ``end`` of a period.

Each one is exact: it selects the key of a vehicle that is free for the whole period, or no row. The manual says why
none of them is used ("No vehicle is free" in benchmarks.rst).
"""

from typing import NamedTuple

_ALLOCATIONS = "continuous_resource_allocations"
_FLEET = "SELECT key FROM continuous_resources WHERE resource_type = 'Car' AND decommissioned IS NULL"
_COUNTS = "(expires IS NULL OR expires > statement_timestamp())"
_OVERLAPS = f"starts < %(end)s AND ends > %(start)s AND {_COUNTS}"

# Decides for each remaining vehicle: does its last allocation that starts before the end of the period reach into it?
_LAST_END = f"""
    (SELECT coalesce(ends, 'infinity') FROM {_ALLOCATIONS}
     WHERE resource_key = rest.key AND (starts IS NULL OR starts < %(end)s) AND {_COUNTS}
     ORDER BY starts DESC NULLS LAST LIMIT 1)"""
_FREE = f"SELECT key FROM rest WHERE coalesce({_LAST_END}, '-infinity') <= %(start)s LIMIT 1"

FORMS = {
    "anti-join, 12 hours": f"""
        WITH busy AS MATERIALIZED (
            SELECT resource_key FROM {_ALLOCATIONS} WHERE starts >= %(start)s - interval '12 hours' AND {_OVERLAPS}
        ), rest AS MATERIALIZED ({_FLEET} AND NOT EXISTS (SELECT FROM busy WHERE resource_key = key))
        {_FREE}""",
    "anti-join, last 2 starts": f"""
        WITH recent AS MATERIALIZED (
            SELECT resource_key, ends FROM {_ALLOCATIONS} WHERE starts < %(end)s AND {_COUNTS}
            ORDER BY starts DESC LIMIT (SELECT 2 * count(*) FROM ({_FLEET}) AS fleet)
        ), rest AS MATERIALIZED (
            {_FLEET} AND NOT EXISTS (SELECT FROM recent WHERE resource_key = key AND ends > %(start)s)
        ) {_FREE}""",
    # Exact only if the period overlaps one allocation of each vehicle, as here: then no vehicle is free if the numbers
    # are equal.
    "counting overlaps, 12 hours": f"""
        SELECT FROM (SELECT count(DISTINCT resource_key) AS busy FROM {_ALLOCATIONS}
                     WHERE starts >= %(start)s - interval '12 hours' AND {_OVERLAPS}) AS counted
        WHERE busy < (SELECT count(*) FROM ({_FLEET}) AS fleet)""",
}


class Gaps(NamedTuple):
    """The statements that create a table of the free time between allocations, and the search in it."""

    setup: tuple[str, ...]
    search: str


_EPOCH = "extract(epoch FROM {0})::float8"
GAPS = Gaps(
    setup=(
        f"""
        CREATE TABLE gaps AS
        SELECT 'Car' AS resource_type, resource_key,
               point(coalesce({_EPOCH.format("previous")}, '-infinity'), {_EPOCH.format("starts")}) AS gap
        FROM (SELECT resource_key, starts, lag(ends) OVER (PARTITION BY resource_key ORDER BY starts) AS previous
              FROM {_ALLOCATIONS}) AS neighbours
        WHERE previous IS NULL OR previous < starts
        UNION ALL
        SELECT 'Car', resource_key, point({_EPOCH.format("max(ends)")}, 'infinity')
        FROM {_ALLOCATIONS} GROUP BY resource_key""",
        "CREATE INDEX ON gaps USING gist (resource_type, gap)",
        "VACUUM ANALYZE gaps",
    ),
    # A gap contains the period if it begins before the period and ends after it.
    search=f"""
        SELECT resource_key FROM gaps WHERE resource_type = 'Car' AND gap <@ box(
            point('-infinity', {_EPOCH.format("%(end)s")}), point({_EPOCH.format("%(start)s")}, 'infinity')
        ) LIMIT 1""",
)
