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
    start = datetime(2020, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    params = {
        "resource_type": "Car",
        "start": start,
        "end": start + timedelta(days=days, hours=1),
        "origin": start + timedelta(microseconds=1),
        "step_seconds": 3600,
    }
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        connection.execute(text(FLEET), {"vehicles": VEHICLES})
        connection.execute(text(ALLOCATIONS), {"days": DAYS})
        connection.execute(text("ANALYZE"))
        statement = utilisation.ALLOCATIONS.params(params)
        sql = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
        (explained,) = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")).scalar_one()
    assert rows_read(explained["Plan"]) <= VEHICLES * (days + 5)
