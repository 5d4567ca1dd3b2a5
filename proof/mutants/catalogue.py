"""The mutants: what each one breaks, on which engines, and the rules that must find it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proof.mutants import statements

_BOTH, _SQLITE, _POSTGRESQL = ("sqlite", "postgresql"), ("sqlite",), ("postgresql",)
_KEYS = ("one_key_one_result", "executed_once")


@dataclass(frozen=True)
class Mutant:
    """A defect, how it is built in, and the ``rules`` of which one must be violated.

    ``patch`` names a function of ``patches`` that changes the service before it is loaded, ``gateway_patch`` one that
    changes the gateway. ``sql`` are statements by engine, executed before the load. ``faults`` are injected during it.
    ``restart`` is how PostgreSQL is restarted in the middle of the load.
    """

    name: str
    rules: Sequence[str]
    engines: Sequence[str] = _BOTH
    patch: str = ""
    gateway_patch: str = ""
    sql: Mapping[str, Sequence[str]] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    faults: Sequence[str] = ()
    restart: str = ""


MUTANTS = (
    Mutant("no constraint", ["confirmed_overlap"], _POSTGRESQL, sql=statements.NO_CONSTRAINT),
    Mutant("no triggers", ["confirmed_overlap"], _SQLITE, sql=statements.NO_TRIGGERS),
    Mutant("no trigger for UPDATE", ["confirmed_overlap"], _SQLITE, sql=statements.NO_UPDATE_TRIGGER),
    Mutant("deferred BEGIN", ["busy"], _SQLITE, patch="deferred_begin"),
    Mutant("keys not unique", _KEYS, sql=statements.KEYS_NOT_UNIQUE),
    Mutant("key outside the transaction", _KEYS, patch="key_outside_transaction"),
    Mutant("feed past the horizon", ["feed_readers"], _POSTGRESQL, sql=statements.PAST_THE_HORIZON),
    Mutant("1 % of events lost", ["feed_complete"], sql=statements.LOST_EVENTS),
    Mutant("event twice", ["feed_complete"], sql=statements.EVENT_TWICE),
    Mutant("PATCH conflicts with its own row", ["refusals"], patch="own_row_conflicts"),
    Mutant("expired hold still blocking", ["refusals"], patch="expired_hold_blocks"),
    Mutant("decommission that does not end holds", ["strict_replay"], patch="holds_outlive_vehicle"),
    Mutant("If-Match ignored", ["versions"], patch="no_precondition"),
    Mutant("any gives up after one attempt", ["none_available"], patch="any_gives_up"),
    Mutant("availability lacks an allocation", ["availability"], patch="short_availability"),
    Mutant("list lacks an allocation", ["lists"], patch="short_lists"),
    Mutant(
        "gateway retries POST without a key",
        ["executed_once"],
        _POSTGRESQL,
        gateway_patch="retry_everything",
        faults=["responses to gateway cut"],
    ),
    Mutant(
        "asynchronous commit, then a crash",
        ["acknowledged"],
        _POSTGRESQL,
        sql=statements.ASYNCHRONOUS_COMMIT,
        environ={"INVSYS_DATABASE_ALLOW_UNSAFE_DURABILITY": "yes"},
        restart="immediate",
    ),
)
