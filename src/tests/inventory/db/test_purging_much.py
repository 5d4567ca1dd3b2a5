"""Purges of very many rows: they complete even with a short statement timeout."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, insert, select, text

from invsys.inventory.db.driver import compile_statement
from invsys.inventory.db.models import Event, IdempotencyKey, db
from invsys.inventory.db.session import disable_timeouts
from invsys.inventory.maintenance import purge

HOLDS = """
INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends, expires)
SELECT gen_random_uuid(), key, hour, hour + interval '1 hour', '2020-01-01 00:00Z'
FROM continuous_resources, generate_series(1, {many}) AS number, make_interval(hours => number) AS after,
    LATERAL (SELECT timestamptz '2100-01-01' + after AS hour) AS starts
"""
MANY = 100_000


@pytest.mark.parametrize("days", [1, 24_856, 36_600])
def test_events_can_be_retained_as_long_as_the_settings_allow(app, client, register, days):
    register("Car1")
    with app.app_context():
        assert purge.purge(86_400, days).events == 0
    assert len(client.get("/api/events").json["events"]) == 1


@pytest.mark.only_thorough
def test_more_keys_and_events_than_fit_one_statement_are_deleted(engine, app, impatient_app, register):
    register("Car1")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    old = {"client_id": "", "fingerprint": b"", "created": long_ago, "events": []}
    with app.app_context(), db.engine.connect() as connection:
        disable_timeouts(connection)
        (event,) = connection.execute(select(Event.__table__)).mappings()
        many = range(MANY // 4)
        connection.execute(insert(IdempotencyKey), [{**old, "key": str(number)} for number in many])
        connection.execute(delete(Event))
        connection.execute(insert(Event), [{**event, "at": long_ago, "key": number} for number in many])
        if engine == "postgresql":
            connection.execute(text("SELECT setval('events_key_seq', :last)"), {"last": many[-1]})
        connection.commit()
    with impatient_app.app_context():
        purged = purge.purge(60, 1)
    # The newest event is kept.
    assert (purged.keys, purged.events) == (len(many), len(many) - 1)


@pytest.mark.only_thorough
def test_a_batch_of_keys_is_selected_by_age_and_deleted_by_row_id(engine, app):
    # To delete by primary key, PostgreSQL would read the whole table for each batch.
    keys = [{"client_id": "", "key": str(number), "fingerprint": b"", "events": []} for number in range(MANY // 4)]
    with app.app_context(), db.engine.connect() as connection:
        disable_timeouts(connection)
        connection.execute(insert(IdempotencyKey), keys)
        if engine == "postgresql":
            connection.execute(text("ANALYZE idempotency_keys"))
        explain = "EXPLAIN QUERY PLAN" if engine == "sqlite" else "EXPLAIN"
        paramstyle = "named" if engine == "sqlite" else "pyformat"
        compiled = compile_statement(purge._DELETE_KEYS, db.engine.dialect, paramstyle)
        steps = connection.exec_driver_sql(f"{explain} {compiled.sql}", compiled.bind({"seconds": 60.0})).all()
        connection.rollback()
    plan = "\n".join(str(step[-1]) for step in steps)
    assert "ix_idempotency_keys_created" in plan
    assert ("SEARCH idempotency_keys USING INTEGER PRIMARY KEY" if engine == "sqlite" else "Tid Scan") in plan


@pytest.fixture
def many_expired_holds(engine, app, car):
    """Insert as many expired holds as a busy fleet accumulates in a few weeks, and update the planner's statistics.

    Without ANALYZE, the planner would assume that the table is empty until autovacuum has analyzed it. The fixture does
    nothing on SQLite.
    """
    if engine == "sqlite":
        return
    with app.app_context(), db.engine.connect() as connection:
        disable_timeouts(connection)
        connection.execute(text(HOLDS.format(many=MANY)))
        connection.execute(text("ANALYZE"))
        connection.commit()


@pytest.mark.only_thorough
@pytest.mark.usefixtures("many_expired_holds")
def test_more_expired_holds_than_one_statement_can_delete_in_time_are_deleted(engine, impatient_app):
    if engine == "sqlite":
        return
    with impatient_app.app_context():
        assert purge.purge(86_400, 0).holds == MANY
