"""The SQL of mutants that break the database: for each name, the statements by engine."""

_ALLOCATIONS = "continuous_resource_allocations"
_TRIGGER = f"tr_{_ALLOCATIONS}_no_overlap"
_EVENT = (
    "kind, resource_type, resource_id, allocation_id, client_id, request_id, owner_id, created, version, name,"
    " attributes, closed_from, starts, ends, allocation_type, description, reference, dump, expires"
)

_KEYS_TABLE = (
    "CREATE TABLE idempotency_keys (client_id TEXT, key TEXT, fingerprint BLOB,"
    " created TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'), events TEXT)"
)
_HORIZON = "CREATE OR REPLACE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql AS 'SELECT 9223372036854775807'"
_LOSE = {
    "function": (
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM events WHERE key = NEW.key; RETURN NULL; END'"
    ),
    "trigger": (
        "CREATE TRIGGER lose AFTER INSERT ON events FOR EACH ROW WHEN (random() < 0.01) EXECUTE FUNCTION lose()"
    ),
    "sqlite": (
        "CREATE TRIGGER lose AFTER INSERT ON events WHEN abs(random()) % 100 = 0"
        " BEGIN DELETE FROM events WHERE key = NEW.key; END"
    ),
}
_REPEAT = {
    "function": (
        "CREATE FUNCTION repeat_event() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN INSERT INTO events (id, {_EVENT}) SELECT gen_random_uuid(), {_EVENT}"
        " FROM events WHERE key = NEW.key; RETURN NULL; END'"
    ),
    "trigger": (
        "CREATE TRIGGER repeat AFTER INSERT ON events FOR EACH ROW"
        " WHEN (random() < 0.01 AND pg_trigger_depth() = 0) EXECUTE FUNCTION repeat_event()"
    ),
    "sqlite": (
        "CREATE TRIGGER repeat AFTER INSERT ON events WHEN abs(random()) % 100 = 0"
        f" BEGIN INSERT INTO events (id, {_EVENT}) SELECT lower(hex(randomblob(16))), {_EVENT}"
        " FROM events WHERE key = NEW.key; END"
    ),
}

Statements = dict[str, list[str]]

NO_CONSTRAINT: Statements = {
    "postgresql": [f"ALTER TABLE {_ALLOCATIONS} DROP CONSTRAINT ex_{_ALLOCATIONS}_no_overlap"],
}
NO_TRIGGERS: Statements = {"sqlite": [f"DROP TRIGGER {_TRIGGER}_insert", f"DROP TRIGGER {_TRIGGER}_update"]}
NO_UPDATE_TRIGGER: Statements = {"sqlite": [f"DROP TRIGGER {_TRIGGER}_update"]}
KEYS_NOT_UNIQUE: Statements = {
    "postgresql": ["ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys"],
    "sqlite": ["DROP TABLE idempotency_keys", _KEYS_TABLE],
}
PAST_THE_HORIZON: Statements = {"postgresql": [_HORIZON]}
LOST_EVENTS: Statements = {
    "postgresql": [_LOSE["function"], _LOSE["trigger"]],
    "sqlite": [_LOSE["sqlite"]],
}
EVENT_TWICE: Statements = {
    "postgresql": [_REPEAT["function"], _REPEAT["trigger"]],
    "sqlite": [_REPEAT["sqlite"]],
}
ASYNCHRONOUS_COMMIT: Statements = {
    "postgresql": [
        "ALTER SYSTEM SET synchronous_commit = off",
        # Otherwise the WAL is written every 200 ms, and hardly anything is lost.
        "ALTER SYSTEM SET wal_writer_delay = '10s'",
        "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
        "SELECT pg_reload_conf()",
    ]
}
