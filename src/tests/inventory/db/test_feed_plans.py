"""Query plans of the change feed: a filtered page reads a limited number of events, regardless of the filters."""

import json
import uuid

import pytest
from sqlalchemy import event, text

from invsys.inventory.db.models import db
from invsys.inventory.db.session import disable_timeouts
from invsys.inventory.queries import events as event_queries
from tests.support.client_identity import OWN_ONLY

# One owner has nearly all events.
EVENTS = """
INSERT INTO events (id, kind, resource_type, resource_id, allocation_id, created, version, owner_id)
SELECT gen_random_uuid(), :kind, 'Car', md5((number % 100)::text)::uuid, gen_random_uuid(), now(), 1,
    CASE WHEN number < 10 THEN 'few' ELSE 'many' END
FROM generate_series(1, 40000) AS number"""
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN (ANALYZE, FORMAT JSON)"}
ID = str(uuid.uuid4())
QUERIES = [
    ({"kind": "expired"}, None),
    ({"kind": ["resource_changed", "confirmed"]}, None),
    ({"resource_type": "Lorry"}, None),
    ({"resource_id": ID}, None),
    ({"allocation_id": [str(uuid.uuid4()) for _ in range(100)]}, None),
    ({"kind": "expired", "resource_type": "Car", "resource_id": ID, "allocation_id": ID}, None),
    ({}, "few"),
    ({"kind": "expired", "allocation_id": ID}, "nobody"),
]


@pytest.fixture
def explain(engine, app, client):
    """Return a function that requests a page, and returns the plan of its statement and the next cursor."""
    executed = []

    def record(connection, cursor, statement, parameters, context, many):
        executed.append((statement, parameters))

    def explain(query, owner):
        headers = {"X-Client-Id": owner, **OWN_ONLY} if owner else {}
        with app.app_context():
            autocommit = db.engines["autocommit"]
        event.listen(autocommit, "before_cursor_execute", record)
        response = client.get("/api/events", query_string=query, headers=headers)
        assert response.status_code == 200
        event.remove(autocommit, "before_cursor_execute", record)
        statement, parameters = next(item for item in reversed(executed) if "is_match" in item[0])
        with autocommit.connect() as connection:
            rows = connection.exec_driver_sql(f"{EXPLAIN[engine]} {statement}", parameters).all()
        return [row[-1] for row in rows], response.json["next"]

    return explain


def _rows_of_scans(plan):
    # A bitmap index scan names the index, not the table; the heap scan above it reads the same rows once more.
    # On PostgreSQL, the relation is a partition of the events.
    if plan.get("Relation Name", "").startswith("events_") or plan["Node Type"] == "Bitmap Index Scan":
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        yield (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from _rows_of_scans(inner)


@pytest.mark.parametrize("analyzed", ["allocated", "expired"])
def test_a_page_with_filters_reads_a_limited_number_of_events(engine, app, explain, analyzed):
    # If only the first events are analyzed, the statistics contain no events of expired holds.
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.begin() as connection:
        disable_timeouts(connection)
        for kind in ("allocated", "expired"):
            connection.execute(text(EVENTS), {"kind": kind})
            if kind == analyzed:
                connection.execute(text("ANALYZE events"))
    for query, owner in QUERIES:
        cursor = None
        for _ in range(3):
            (output,), cursor = explain({**query, "after": cursor}, owner)
            (explained,) = output if isinstance(output, list) else json.loads(output)
            # Each scan is limited: that which finds the end of the range, and those which read the events up to it.
            assert max(_rows_of_scans(explained["Plan"])) <= event_queries.MAX_SCANNED + 10


@pytest.mark.parametrize(("query", "owner"), QUERIES)
def test_sqlite_reads_only_the_events_of_the_range(engine, explain, query, owner):
    if engine == "postgresql":
        return
    steps = [step for step in explain(query, owner)[0] if "events" in step]
    assert steps
    assert all("INTEGER PRIMARY KEY (rowid" in step for step in steps), steps
