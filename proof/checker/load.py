"""Reads the files of a history into memory, except what the rules do not need: a million calls take about 1 GB."""

import math
import sys
from pathlib import Path
from typing import Any

from proof.checker import lives
from proof.checker.load_answers import AnswerLoader
from proof.checker.load_events import load_events
from proof.checker.model import Call, History
from proof.history import files
from proof.workload.timetable import TYPES

_KINDS = {
    ("POST", 3): "register",
    ("GET", 3): "vehicles",
    ("PATCH", 4): "change_vehicle",
    ("DELETE", 4): "decommission",
    ("POST", 5): "create",
    ("POST", 6): "change_list",
    ("PATCH", 6): "change",
    ("DELETE", 6): "cancel",
    ("GET", 6): "read",
}
READS = frozenset({"read", "list", "availability", "vehicles"})
# Tolerance for holds in seconds, besides the difference of the clocks: SQLite counts milliseconds.
_TOLERANCE = 0.3


def load(folder: Path) -> History:
    """Return the history in a folder, with the times of all states."""
    history = History()
    run, final = files.read_json(folder / files.RUN), files.read_json(folder / files.FINAL)
    offset = run["wall"] - run["monotonic"]
    if final:
        drift = abs(final["wall"] - final["monotonic"] - offset)
        # An adjusted wall clock makes the expiry of holds uncertain by as much.
        history.tolerance = _TOLERANCE + drift
    history.faults = [fault for fault in files.read_lines(folder / files.FAULTS) if "name" in fault]
    # On PostgreSQL the clock of the database decides, which is never stepped.
    history.wrong_clock = [
        (fault["begin"], fault.get("recovered") or fault["end"])
        for fault in history.faults
        if run["engine"] == "sqlite" and "clock" in fault["name"]
    ]
    history.readers = files.readers(folder)
    load_events(history, folder, offset)
    answers = AnswerLoader(history, offset)
    for record in files.read_calls(folder):
        call = parse_call(record)
        if call is not None:
            answers.add(call, record)
    _link_events(history)
    if final:
        answers.add_final(final)
    history.periods.number()
    lives.bound(history)
    return history


def parse_call(record: dict[str, Any]) -> Call | None:
    """Return the call of a record with the ids of its path; None for a call that no rule needs."""
    if record["method"] == "COMMAND":
        return Call(record, record["path"], "") if record["path"] == "import" else None
    path = record["path"].partition("?")[0].split("/")
    if path[2] not in TYPES:
        return None
    call = Call(record, _kind(record["method"], path), path[2])
    if len(path) > 3 and path[3] not in ("all", "any"):
        call.vehicle = sys.intern(path[3])
    if len(path) > 5 and path[5] != "changes":
        call.item = sys.intern(path[5])
    return call


def _kind(method: str, path: list[str]) -> str:
    if method == "GET" and len(path) == 5:
        return "availability" if path[4] == "availability" else "list"
    kind = _KINDS[method, len(path)]
    return "any" if kind == "create" and path[3] == "any" else kind


def _link_events(history: History) -> None:
    """Set the call of each event, and the maker of each state."""
    # While the clock was wrong, so were the times of events.
    tolerance = math.inf if history.wrong_clock else history.tolerance
    for event in history.events:
        if event.request_id is not None:
            event.call = history.by_request.get(event.request_id)
        elif event.kind == "allocated":
            event.call = history.imported.get(event.state.item.reference or "")
        elif event.kind == "resource_registered":
            candidates = history.imports_by_name.get(event.state.name, [])
            event.call = next(
                (call for call in candidates if call.begin - tolerance <= event.at <= call.end + tolerance), None
            )
        if event.call is None:
            continue
        event.call.executed += 1
        if not event.is_end and event.state.maker is None:
            event.state.maker = event.call
