"""Initial rows, inserted with SQL: creating a million through the API would take longer than the measurements."""

import uuid
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Connection, Engine, create_engine, select, text

from benchmarks import calls
from invsys.inventory.db.models import ContinuousResource, ContinuousResourceAllocation, CursorState, Event
from invsys.inventory.queries import cursors
from invsys.inventory.queries import events as event_queries

_vehicle = ContinuousResource.__table__
_allocation = ContinuousResourceAllocation.__table__

_CAR = text("INSERT INTO continuous_resources (id, resource_type, name) VALUES (:id, 'Car', :name)")

# Inserts ``:each`` allocations of an hour for each car, one every ``:hours`` hours since 2000-01-01 (``calls.slot``).
_ROWS = {
    "postgresql": """
        INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
        SELECT gen_random_uuid(), key, start, start + interval '1 hour'
        FROM continuous_resources,
             LATERAL (SELECT timestamptz '2000-01-01Z' + n * make_interval(hours => :hours) AS start
                      FROM generate_series(0, :each - 1) AS n) AS hours
        ORDER BY start, key
    """,
    "sqlite": """
        WITH RECURSIVE hours (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM hours WHERE n < :each - 1)
        INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends)
        SELECT lower(hex(randomblob(16))), key,
               strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', (:hours * n) || ' hours') || '.000000',
               strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', (:hours * n + 1) || ' hours') || '.000000'
        FROM hours, continuous_resources
    """,
}

# Allocates all cars except every ``:every``-th for the hour ``:hour``.
_ONE_HOUR = {
    "postgresql": """
        INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends, allocation_type)
        SELECT gen_random_uuid(), key, timestamptz '2000-01-01Z' + :hour * interval '1 hour',
               timestamptz '2000-01-01Z' + (:hour + 1) * interval '1 hour', 'taken'
        FROM continuous_resources WHERE key % :every > 0
    """,
    "sqlite": """
        INSERT INTO continuous_resource_allocations (id, resource_key, starts, ends, allocation_type)
        SELECT lower(hex(randomblob(16))), key,
               strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', :hour || ' hours') || '.000000',
               strftime('%Y-%m-%d %H:%M:%S', '2000-01-01', (:hour + 1) || ' hours') || '.000000', 'taken'
        FROM continuous_resources WHERE key % :every > 0
    """,
}

# Inserts events of creates. The keys are explicit, because the default of the column takes an advisory lock, which
# readers of the feed need.
_EVENTS = """
    INSERT INTO events (key, id, kind, resource_type, resource_id, allocation_id, created, version,
                        starts, ends, allocation_type, description, dump)
    SELECT n, md5(n::text)::uuid, 'allocated', 'Car', md5((n % 10000)::text)::uuid, md5((-n)::text)::uuid,
           statement_timestamp(), 1, timestamptz '2000-01-01Z' + n * interval '1 minute',
           timestamptz '2000-01-01Z' + (n + 60) * interval '1 minute', 'booking', 'a benchmark''s trip', '{}'
    FROM generate_series(1, :count) AS n
"""


def fill(url: str, vehicles: int, allocations: int, hours: int = 2) -> list[uuid.UUID]:
    """Insert cars, each with ``allocations`` allocations, one every ``hours`` hours; return the ids of the cars."""
    ids = [uuid.uuid4() for _ in range(vehicles)]
    engine = create_engine(url)
    sqlite = engine.dialect.name == "sqlite"
    rows: list[dict[str, Any]] = [
        {"id": car.hex if sqlite else car, "name": f"Car {number}"} for number, car in enumerate(ids)
    ]
    with engine.connect() as connection:
        _disable_checks(connection)
        connection.execute(_CAR, rows)
        connection.execute(text(_ROWS[engine.dialect.name]), {"each": allocations, "hours": hours})
        connection.commit()
    _analyze(engine)
    engine.dispose()
    return ids


def _disable_checks(connection: Connection) -> None:
    """Disable durability (SQLite) or foreign keys (PostgreSQL) for this connection, to insert rows faster."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA synchronous = OFF"))
        connection.execute(text("PRAGMA cache_size = -500000"))
    else:
        # Disables the triggers that check foreign keys; the exclusion constraint is an index and stays active.
        connection.execute(text("SET session_replication_role = replica"))


def _analyze(engine: Engine) -> None:
    """Collect statistics for the query planner; on PostgreSQL, also vacuum and write all changed pages to disk."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("ANALYZE",) if engine.dialect.name == "sqlite" else ("VACUUM ANALYZE", "CHECKPOINT"):
            connection.execute(text(statement))


def allocate(url: str, hours: Sequence[int], every: int) -> None:
    """Allocate all cars except every ``every``-th for each of these hours."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for hour in hours:
            connection.execute(text(_ONE_HOUR[engine.dialect.name]), {"hour": hour, "every": every})
    _analyze(engine)
    engine.dispose()


def add_events(url: str, count: int) -> None:
    """Insert ``count`` events into the empty change feed of a PostgreSQL database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(_EVENTS), {"count": count})
        connection.execute(text("SELECT setval('events_key_seq', :count)"), {"count": count})
    _analyze(engine)
    engine.dispose()


def cursor(url: str, key: int) -> str:
    """Return the change feed's cursor for the event with this key."""
    engine = create_engine(url)
    with engine.connect() as connection:
        event = connection.execute(select(Event.key, Event.id).where(Event.key == key)).mappings().one()
        cipher = AESSIV(connection.scalars(select(CursorState.secret)).one())
    engine.dispose()
    return cursors.encrypt(cipher, cursors.EVENTS, *event_queries.Position.of(event))


def allocation_ids(url: str, count: int, hour: int | None = None) -> list[uuid.UUID]:
    """Return the ids of up to ``count`` allocations, optionally only of those that begin at ``hour``."""
    statement = select(_allocation.c.id).limit(count)
    if hour is not None:
        statement = statement.where(_allocation.c.starts == calls.slot(hour)[0])
    engine = create_engine(url)
    with engine.connect() as connection:
        ids = list(connection.scalars(statement))
    engine.dispose()
    return ids


def allocations_of(url: str, hour: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return the ids of the allocations that begin at ``hour``, each with the id of its vehicle."""
    statement = select(_allocation.c.id, _vehicle.c.id).join(_vehicle, _vehicle.c.key == _allocation.c.resource_key)
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(statement.where(_allocation.c.starts == calls.slot(hour)[0])).all()
    engine.dispose()
    return [(allocation, vehicle) for allocation, vehicle in rows]


def vehicle_ids(url: str) -> list[uuid.UUID]:
    """Return the ids of all cars, in the order of their registration."""
    engine = create_engine(url)
    with engine.connect() as connection:
        ids = list(connection.scalars(select(_vehicle.c.id).order_by(_vehicle.c.key)))
    engine.dispose()
    return ids
