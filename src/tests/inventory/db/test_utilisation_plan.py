"""Query plan of utilisation: it reads the allocations in the window, and one earlier allocation of each vehicle."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts
from invsys.inventory.queries import utilisation

VEHICLES, DAYS = 10, 1000
FLEET = """
INSERT INTO continuous_resources (id, resource_type, name)
SELECT gen_random_uuid(), 'Car', number FROM generate_series(1, :vehicles) AS number"""
ALLOCATIONS = """
INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
SELECT gen_random_uuid(), key, start, start + interval '1 day'
FROM continuous_resources, generate_series(1, :days) AS day,
    LATERAL (SELECT timestamptz '2020-01-01Z' + make_interval(days => day, secs => key) AS start) AS begins
ORDER BY day"""


# What ``archive`` does to the table of allocations.
ARCHIVE = """
WITH old AS (
    DELETE FROM continuous_resource_allocations WHERE ends < timestamptz '2020-01-01Z' + make_interval(days => :days)
    RETURNING resource_key, ends
)
UPDATE continuous_resources SET archived_until = (SELECT max(ends) FROM old WHERE resource_key = key)"""


def fill(connection):
    """Insert an allocation a day for each vehicle."""
    disable_timeouts(connection)
    connection.execute(text(FLEET), {"vehicles": VEHICLES})
    connection.execute(text(ALLOCATIONS), {"days": DAYS})
    connection.execute(text("ANALYZE"))


def plan_of(connection, day, days):
    """Return the plan of the utilisation from a day on, for so many days, with what its execution read."""
    start = datetime(2020, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    params = {
        "resource_type": "Car",
        "start": start,
        "end": start + timedelta(days=days, hours=1),
        "origin": start + timedelta(microseconds=1),
        "step_seconds": 3600,
    }
    statement = utilisation.ALLOCATIONS.params(params)
    sql = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    (explained,) = connection.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")).scalar_one()
    return explained["Plan"]


def rows_read(plan):
    """Return the number of rows that a plan reads from the table of allocations."""
    rows = 0
    if plan.get("Relation Name") == "continuous_resource_allocations":
        rows = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return rows + sum(rows_read(inner) for inner in plan.get("Plans", ()))


@pytest.mark.parametrize(("day", "days"), [(0, 0), (10, 2), (DAYS - 10, 7), (DAYS + 100, 365)])
def test_utilisation_does_not_read_past_allocations(engine, app, day, days):
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.begin() as connection:
        fill(connection)
        assert rows_read(plan_of(connection, day, days)) <= VEHICLES * (days + 5)


def test_utilisation_does_not_read_what_was_just_archived(engine, app):
    """Until a vacuum, which a long transaction delays, the index has entries of the rows that have moved."""
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.begin() as connection:
        fill(connection)
        pages = plan_of(connection, DAYS - 20, 17)["Shared Hit Blocks"]
        # All allocations that start before the window, and some in it.
        connection.execute(text(ARCHIVE), {"days": DAYS - 10})
        assert plan_of(connection, DAYS - 20, 17)["Shared Hit Blocks"] <= 2 * pages
