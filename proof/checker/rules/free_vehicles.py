"""``none_available`` only when no vehicle was free during the whole call."""

from collections.abc import Iterator

from proof.checker.model import Call, History
from proof.checker.timelines import Timelines
from proof.workload.timetable import TYPES


def none_available(history: History, timelines: Timelines) -> Iterator[str]:
    """``none_available`` is answered only if fewer vehicles than needed were certainly free during the call."""
    for call in history.calls:
        if call.code == "none_available":
            wanted = _wanted(history, call)
            if wanted is not None:
                slots, excluded = wanted
                free = certainly_free(history, timelines, call, slots, excluded)
                if len(free) >= call.quantity:
                    yield f"{call}: free were {', '.join(free)}"


def certainly_free(history: History, timelines: Timelines, call: Call, slots: int, excluded: set[str]) -> list[str]:
    """Return the vehicles in circulation that were free and open during the whole call."""
    return [
        vehicle
        for vehicle in timelines.circulating(TYPES[call.collection], call.begin, call.end)
        if vehicle not in excluded and not timelines.possible(vehicle).at_some_time(call.begin, call.end) & slots
    ]


def _wanted(history: History, call: Call) -> tuple[int, set[str]] | None:
    """Return the slots that were needed, and the vehicles that could not be chosen; None if that is not certain."""
    if call.period is not None and call.kind == "any":
        return call.period.mask, set()
    entries = [entry for entry in call.targets if entry[2] == "any"]
    if len(entries) != 1 or entries[0][0] not in history.allocations:
        return None
    states = history.allocations[entries[0][0]].possible_states(call.begin, call.end)
    slots = 0
    for state in states:
        slots |= state.period.mask if state.period is not None else 0
    # The other entries of a list may need any vehicle that they name or are on.
    excluded = {vehicle for _, _, vehicle in call.targets if vehicle is not None}
    for item_id, _, _ in call.targets:
        if (item := history.allocations.get(item_id)) is not None:
            excluded.update(state.vehicle for state in item.possible_states(call.begin, call.end))
    return slots, excluded
