"""The mutants: what each one breaks, on which engines, and the rules that must find it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

_BOTH = ("sqlite", "postgresql")
_CONSTRAINT = "ex_continuous_resource_allocations_no_overlap"
_TRIGGER = "tr_continuous_resource_allocations_no_overlap"
_EVENT_COLUMNS = (
    "kind, resource_type, resource_id, allocation_id, client_id, request_id, owner_id, created, version, name,"
    " attributes, closed_from, starts, ends, allocation_type, description, reference, dump, expires"
)


@dataclass(frozen=True)
class Mutant:
    """A defect and how it is built in.

    ``patch`` names a function of ``patches`` that changes the service before it is loaded, ``gateway_patch`` one that
    changes the gateway. ``sql`` are statements by engine, executed before the load. ``faults`` are injected during it.
    One of ``rules`` must be violated. ``restart``: PostgreSQL is restarted immediately in the middle.
    """

    name: str
    rules: Sequence[str]
    engines: Sequence[str] = _BOTH
    patch: str | None = None
    gateway_patch: str | None = None
    sql: dict[str, Sequence[str]] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()
    restart: Literal["", "immediate"] = ""


MUTANTS = (
    Mutant(
        "no constraint",
        ["confirmed_overlap"],
        ["postgresql"],
        sql={"postgresql": [f"ALTER TABLE continuous_resource_allocations DROP CONSTRAINT {_CONSTRAINT}"]},
    ),
    Mutant(
        "no triggers",
        ["confirmed_overlap"],
        ["sqlite"],
        sql={"sqlite": [f"DROP TRIGGER {_TRIGGER}_insert", f"DROP TRIGGER {_TRIGGER}_update"]},
    ),
    Mutant(
        "no trigger for UPDATE",
        ["confirmed_overlap"],
        ["sqlite"],
        sql={"sqlite": [f"DROP TRIGGER {_TRIGGER}_update"]},
    ),
    Mutant("deferred BEGIN", ["busy"], ["sqlite"], patch="deferred_begin"),
    Mutant(
        "keys not unique",
        ["one_key_one_result", "executed_once"],
        sql={
            "postgresql": ["ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys"],
            "sqlite": [
                "CREATE TABLE keys AS SELECT * FROM idempotency_keys",
                "DROP TABLE idempotency_keys",
                "CREATE TABLE idempotency_keys (client_id TEXT, key TEXT, fingerprint BLOB,"
                " created TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'), events TEXT)",
                "INSERT INTO idempotency_keys SELECT * FROM keys",
                "DROP TABLE keys",
            ],
        },
    ),
    Mutant("key outside the transaction", ["one_key_one_result", "executed_once"], patch="key_outside_transaction"),
    Mutant(
        "feed past the horizon",
        ["feed_readers"],
        ["postgresql"],
        sql={
            "postgresql": [
                "CREATE OR REPLACE FUNCTION event_horizon() RETURNS bigint LANGUAGE sql AS 'SELECT 9223372036854775807'"
            ]
        },
    ),
    Mutant(
        "1 % of events lost",
        ["feed_complete"],
        sql={
            "postgresql": [
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN DELETE FROM events WHERE key = NEW.key; RETURN NULL; END'",
                "CREATE TRIGGER lose AFTER INSERT ON events FOR EACH ROW WHEN (random() < 0.01)"
                " EXECUTE FUNCTION lose()",
            ],
            "sqlite": [
                "CREATE TRIGGER lose AFTER INSERT ON events WHEN abs(random()) % 100 = 0"
                " BEGIN DELETE FROM events WHERE key = NEW.key; END"
            ],
        },
    ),
    Mutant(
        "event twice",
        ["feed_complete"],
        sql={
            "postgresql": [
                "CREATE FUNCTION repeat_event() RETURNS trigger LANGUAGE plpgsql AS"
                f" 'BEGIN INSERT INTO events (id, {_EVENT_COLUMNS}) SELECT gen_random_uuid(), {_EVENT_COLUMNS}"
                " FROM events WHERE key = NEW.key; RETURN NULL; END'",
                "CREATE TRIGGER repeat AFTER INSERT ON events FOR EACH ROW"
                " WHEN (random() < 0.01 AND pg_trigger_depth() = 0) EXECUTE FUNCTION repeat_event()",
            ],
            "sqlite": [
                "CREATE TRIGGER repeat AFTER INSERT ON events WHEN abs(random()) % 100 = 0"
                f" BEGIN INSERT INTO events (id, {_EVENT_COLUMNS}) SELECT lower(hex(randomblob(16))), {_EVENT_COLUMNS}"
                " FROM events WHERE key = NEW.key; END"
            ],
        },
    ),
    Mutant("PATCH conflicts with its own row", ["refusals"], patch="own_row_conflicts"),
    Mutant("expired hold still blocking", ["refusals"], patch="expired_hold_blocks"),
    Mutant("decommission that does not end holds", ["strict_replay"], patch="holds_outlive_vehicle"),
    Mutant("If-Match ignored", ["versions"], patch="no_precondition"),
    Mutant("any gives up after one attempt", ["none_available"], patch="any_gives_up"),
    Mutant(
        "gateway retries POST without a key",
        ["executed_once"],
        ["postgresql"],
        gateway_patch="retry_everything",
        faults=["responses to gateway cut"],
    ),
    Mutant(
        "synchronous_commit off, restarted",
        ["acknowledged"],
        ["postgresql"],
        sql={
            "postgresql": [
                "ALTER SYSTEM SET synchronous_commit = off",
                # Otherwise the WAL is written within three times 200 ms, and little is lost.
                "ALTER SYSTEM SET wal_writer_delay = '10s'",
                "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
                "SELECT pg_reload_conf()",
            ]
        },
        environ={"INVSYS_DATABASE_ALLOW_UNSAFE_DURABILITY": "yes"},
        restart="immediate",
    ),
)
