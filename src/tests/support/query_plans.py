"""A fleet for tests of query plans, and what a plan of PostgreSQL reads."""

from sqlalchemy import text

from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts

ALLOCATIONS_TABLE = "continuous_resource_allocations"
VEHICLES, BUSY, PAST = 20, 10, 1000
# Dead rows that other tests left in the tables would change the planner's cost estimates.
EMPTY = "TRUNCATE continuous_resource_allocations, continuous_resources"
FLEET = """
INSERT INTO continuous_resources (id, resource_type, name)
SELECT gen_random_uuid(), 'Car', number FROM generate_series(1, :vehicles) AS number"""
# Inserted day by day, as in a real fleet, so that the rows of all vehicles are interleaved in the table.
ALLOCATIONS = """
INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
SELECT gen_random_uuid(), key, start, start + interval '1 hour'
FROM (SELECT key FROM continuous_resources ORDER BY key LIMIT :busy) AS busy, generate_series(1, :past) AS day,
    LATERAL (SELECT timestamptz '2020-01-01Z' + make_interval(days => day, secs => key) AS start) AS begins
ORDER BY day"""


def execute(app, statement, **params):
    """Execute a statement on PostgreSQL without a timeout, and collect the statistics of the planner."""
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        connection.execute(text(statement), params)
        connection.execute(text("ANALYZE"))


def rows_in(plan, table=ALLOCATIONS_TABLE):
    """Return how many rows of a table the nodes of a plan read, including those that they filter out."""
    own = 0
    if plan.get("Relation Name") == table:
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return own + sum(rows_in(inner, table) for inner in plan.get("Plans", ()))
