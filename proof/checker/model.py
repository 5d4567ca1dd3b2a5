"""A history in memory: calls, the states of vehicles and allocations, events and reads.

An *item* is a vehicle or an allocation. Each change of an item makes a *state* with the next version.
"""

import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proof.checker.periods import Period, Periods


class Call:
    """A call, reduced to what the rules need. ``kind`` is the kind of the request, whatever its operation is called."""

    __slots__ = (
        *("begin", "body", "code", "collection", "conflicts", "end", "executed", "if_match", "index", "item", "key"),
        *(
            "kind",
            "operation",
            "period",
            "quantity",
            "reason",
            "reference",
            "replayed",
            "request_id",
            "results",
            "status",
        ),
        *("targets", "vehicle"),
    )

    def __init__(self, record: dict[str, Any], kind: str, collection: str) -> None:
        self.request_id: str = record["request_id"]
        self.operation: str = sys.intern(record["operation"])
        self.kind, self.collection = kind, collection
        # The answer of a standby may be that many seconds old.
        self.begin: float = record["begin"] - record.get("age", 0)
        self.end: float = record["end"]
        self.status: int | None = record["status"]
        self.key: str | None = record.get("key")
        self.if_match: int | None = record.get("if_match")
        self.replayed: bool = record.get("replayed", False)
        # The ids in the path: of a vehicle (None: any or all), and of an allocation.
        self.vehicle: str | None = None
        self.item: str | None = None
        # Of creates: the requested period, and the number of vehicles.
        self.period: Period | None = None
        self.quantity = 1
        # The entries of a change list: id, version or None, vehicle or None.
        self.targets: Sequence[tuple[str, int | None, str | None]] = ()
        self.reference: str | None = None
        # Of refusals: the code, the position in a change list, the conflicting allocations and their periods.
        self.code: str | None = None
        self.index: int | None = None
        self.conflicts: Sequence[tuple[State, Period]] = ()
        # The states in a successful answer.
        self.results: Sequence[State] = ()
        # The number of events with the id of this request.
        self.executed = 0
        # Only if the outcome is unknown.
        self.body: Any = None
        self.reason: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the change is acknowledged."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def known_end(self) -> float:
        """When the change had certainly been made, infinity if the outcome is unknown."""
        return self.end if self.succeeded else math.inf

    def __repr__(self) -> str:
        return (
            f"{self.operation} {self.request_id} ({self.begin:.3f} to {self.end:.3f}: {self.status} {self.code or ''})"
        )


class State:
    """One version of an item, and when it existed.

    It began at some time between ``begin`` (of the call that made it) and ``known`` (the end of the first call that
    returned it). It ended at some time between ``certain_end`` and ``possible_end``.
    """

    __slots__ = (
        *("acknowledged", "begin", "certain_end", "content", "event", "expires", "held", "item", "known", "maker"),
        *("name", "period", "possible_end", "vehicle", "version"),
    )

    def __init__(self, item: "Item", version: int) -> None:
        self.item, self.version = item, version
        self.content: int | None = None
        self.maker: Call | None = None
        # The position of its event in the feed.
        self.event: int | None = None
        # Whether the call that made it, or one with the same key, was answered.
        self.acknowledged = False
        self.begin, self.known = math.inf, math.inf
        self.certain_end, self.possible_end = math.inf, math.inf
        # Of an allocation: its vehicle and period. Of a vehicle: its name, and the period in which it is closed.
        self.vehicle: str = ""
        self.period: Period | None = None
        self.name: str = ""
        self.held = False
        # Of a hold, by the monotonic clock.
        self.expires = math.inf

    def is_possible(self, begin: float, end: float) -> bool:
        """Return whether the state may have existed at some time from ``begin`` to ``end``."""
        return self.begin <= end and self.possible_end >= begin

    def __repr__(self) -> str:
        return f"{self.item.id} version {self.version}"


class Item:
    """A vehicle or an allocation."""

    __slots__ = ("deletes", "id", "is_vehicle", "reference", "removal", "states", "type")

    def __init__(self, item_id: str, resource_type: str, *, is_vehicle: bool) -> None:
        self.id, self.type, self.is_vehicle = item_id, sys.intern(resource_type), is_vehicle
        self.states: dict[int, State] = {}
        self.reference: str | None = None
        # The acknowledged calls that deleted it, and the event of its end.
        self.deletes: Sequence[Call] = ()
        self.removal: Event | None = None

    @property
    def last(self) -> State:
        """The state with the highest version."""
        return self.states[max(self.states)]

    @property
    def known(self) -> float:
        """When it certainly existed first."""
        return min(state.known for state in self.states.values())

    def possible_states(self, begin: float, end: float) -> list[State]:
        """Return the states that may have existed at some time from ``begin`` to ``end``."""
        return [state for state in self.states.values() if state.is_possible(begin, end)]

    def certainly_exists(self, begin: float, end: float) -> bool:
        """Return whether it existed at every time from ``begin`` to ``end``."""
        return bool(self.states) and self.known <= begin and self.last.certain_end >= end


class Event:
    """An event of the feed."""

    __slots__ = ("at", "call", "id", "kind", "request_id", "state")

    def __init__(self, event: dict[str, Any], state: State, at: float) -> None:
        self.id: str = event["id"]
        self.kind: str = sys.intern(event["kind"])
        self.request_id: str | None = event["request_id"]
        self.state, self.at = state, at
        self.call: Call | None = None

    @property
    def is_end(self) -> bool:
        """Whether the event ended its item."""
        return self.kind in ("resource_decommissioned", "deallocated", "expired")

    def __repr__(self) -> str:
        return f"{self.kind} {self.state} (request {self.request_id})"


class Read:
    """A successful read that is compared with the allocations of its time."""

    __slots__ = ("busy", "call", "free", "kind", "period", "states", "vehicles")

    def __init__(self, call: Call, kind: str, period: Period) -> None:
        self.call, self.kind, self.period = call, kind, period
        # Of lists: the rows. Of availability: the busy and free periods by vehicle. Of lists of vehicles: their ids.
        self.states: list[State] = []
        self.busy: dict[str, list[Period]] = {}
        self.free: dict[str, list[Period]] = {}
        self.vehicles: list[str] = []


@dataclass
class History:
    """Everything that was recorded."""

    periods: Periods = field(default_factory=Periods)
    calls: list[Call] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    # The number of reads that a standby has answered.
    standby_reads: int = 0
    allocations: dict[str, Item] = field(default_factory=dict)
    vehicles: dict[str, Item] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    # The ids of events of other types, and the answers to the recorder that were no pages.
    other_events: set[str] = field(default_factory=set)
    feed_failures: list[str] = field(default_factory=list)
    # The calls that make changes, by request id, key, and reference; the first one for each reference.
    by_request: dict[str, Call] = field(default_factory=dict)
    by_key: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    by_reference: dict[str, Call] = field(default_factory=dict)
    # Rows that an import did not refuse, by reference; and imports by the name of a vehicle.
    imported: dict[str, Call] = field(default_factory=dict)
    imports_by_name: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    # The states of vehicles by name.
    by_name: dict[str, list[State]] = field(default_factory=lambda: defaultdict(list))
    # The states in the final lists, and when these were read.
    final: dict[str, State] = field(default_factory=dict)
    final_time: float = math.inf
    check_status: int = 0
    check_output: str = ""
    faults: list[dict[str, Any]] = field(default_factory=list)
    # Times in which the clock of the services was wrong.
    wrong_clock: list[tuple[float, float]] = field(default_factory=list)
    # Seconds by which the clocks may differ.
    tolerance: float = 0.3
    # Messages about answers that differ from their request, or about two contents of one version.
    mismatches: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    # The files of the readers of the feed, by name.
    readers: dict[str, Path] = field(default_factory=dict)

    def item(self, item_id: str) -> Item | None:
        """Return a vehicle or an allocation by its id."""
        return self.allocations.get(item_id) or self.vehicles.get(item_id)
