"""The states of a history: looked up, or made from a row in wire format."""

import sys
from datetime import datetime
from typing import Any

import orjson

from proof.checker.model import History, Item, State
from proof.workload.timetable import TYPES

_COLLECTION_TYPES = frozenset(TYPES.values())


def is_of_load(resource_type: str) -> bool:
    """Return whether the load uses this type; the faults make their own requests for another one."""
    return resource_type in _COLLECTION_TYPES


def bare_state(history: History, item_id: str, resource_type: str, version: int, *, is_vehicle: bool = False) -> State:
    """Return the state with this version, new if it was not seen before; nothing else is known about a new one."""
    items = history.vehicles if is_vehicle else history.allocations
    item = items.get(item_id)
    if item is None:
        item = items[item_id] = Item(sys.intern(item_id), resource_type, is_vehicle=is_vehicle)
    state = item.states.get(version)
    if state is None:
        state = item.states[version] = State(item, version)
    return state


def state_of(history: History, row: dict[str, Any], offset: float) -> State:
    """Return the state that a row shows; note if the same version had another content.

    ``offset`` is the wall clock minus the monotonic clock.
    """
    is_vehicle = "resource_id" not in row
    state = bare_state(history, row["id"], row["resource_type"], row["version"], is_vehicle=is_vehicle)
    content = hash(orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
    if state.content is None:
        state.content = content
        _fill(history, state, row, offset)
    elif state.content != content:
        history.contents.append(f"{state} has two contents, one of them {row}")
    return state


def _fill(history: History, state: State, row: dict[str, Any], offset: float) -> None:
    if state.item.is_vehicle:
        state.name = row["name"]
        if row["closed_from"] is not None:
            state.period = history.periods.between(row["closed_from"], None)
        return
    state.vehicle = row["resource_id"]
    state.period = history.periods.of(row)
    if state.item.reference is None and row["reference"] is not None:
        state.item.reference = sys.intern(row["reference"])
    if row["status"] == "held":
        state.held = True
        state.expires = monotonic(row["expires"], offset)


def monotonic(text: str, offset: float) -> float:
    """Return an instant in wire format by the monotonic clock."""
    return datetime.fromisoformat(text).timestamp() - offset
