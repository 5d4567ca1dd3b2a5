"""Every refusal has a reason that may have existed at some time of the call."""

from collections.abc import Callable, Iterator

from proof.checker.model import Call, History, Item, State
from proof.checker.timelines import Timelines

_OVERLOADED = "503 The database is overloaded."
# Seconds. The service waits for locks for [database] statement_timeout, 4 seconds; PostgreSQL looks for deadlocks after
# one second.
_SHORTEST_WAIT = 0.9

Reason = Callable[[History, Timelines, Call], str | None]


def refusals(history: History, timelines: Timelines) -> Iterator[str]:
    """Every 404, 409, 412 and 422 is explained by something that may have been there during the call."""
    for call in history.calls:
        if call.code in _REASONS and (text := _REASONS[call.code](history, timelines, call)) is not None:
            yield f"{call}: {text}"


def answers(history: History, timelines: Timelines) -> Iterator[str]:
    """No answer is a 500 or another status that the contract does not name for the request."""
    for call in history.calls:
        if call.status is not None and call.status >= 400 and call.code not in {*_REASONS, "none_available"}:
            yield str(call)


def busy(history: History, timelines: Timelines) -> Iterator[str]:
    """The database is called overloaded only after a wait for its locks, unless a fault is active."""
    for call in history.calls:
        if (
            call.status is None
            and call.reason == _OVERLOADED
            and call.end - call.begin < _SHORTEST_WAIT
            and not any(fault["begin"] <= call.end and fault["recovered"] >= call.begin for fault in history.faults)
        ):
            yield f"{call} was refused after {call.end - call.begin:.3f} seconds"


def _period_taken(history: History, timelines: Timelines, call: Call) -> str | None:
    if not call.conflicts:
        return "no conflicts are named"
    changed = {item_id for item_id, _, _ in call.targets}
    for state, period in call.conflicts:
        if state.item.id in changed:
            if call.kind == "change":
                return "the conflict is the allocation itself"
            # A conflict between two entries of one list.
            continue
        if text := _wrong_conflict(call, state, period):
            return text
        if call.kind == "create" and state.vehicle != call.vehicle:
            return f"{state} is on another vehicle"
        if call.period is not None and state.period is not None and not call.period.mask & state.period.mask:
            return f"{state} does not overlap the period"
    return None


def _wrong_conflict(call: Call, state: State, period: object) -> str | None:
    if state.content is None:
        return f"nothing is known about the conflict {state}"
    if state.period is not period:
        return f"the conflict {state} has another period"
    if not state.is_possible(call.begin, call.end):
        return f"{state} existed only from {state.begin:.3f} to {state.possible_end:.3f}"
    return None


def _resource_in_use(history: History, timelines: Timelines, call: Call) -> str | None:
    if not call.conflicts:
        return "no conflicts are named"
    for state, period in call.conflicts:
        if text := _wrong_conflict(call, state, period):
            return text
        if state.vehicle != call.vehicle:
            return f"{state} is on another vehicle"
    return None


def _name_taken(history: History, timelines: Timelines, call: Call) -> str | None:
    if call.reference is None:
        return "no name was given"
    for state in history.by_name[call.reference]:
        if state.item.id != call.vehicle and state.is_possible(call.begin, call.end):
            return None
    return f"no vehicle was called {call.reference}"


def _hold_expired(history: History, timelines: Timelines, call: Call) -> str | None:
    for item in _items(history, call):
        if item.removal is not None and item.removal.kind == "expired":
            return None
        if any(state.held and state.expires - history.tolerance <= call.end for state in item.states.values()):
            return None
        if history.wrong_clock and item.last.held:
            return None
    return "no hold had expired"


def _resource_closed(history: History, timelines: Timelines, call: Call) -> str | None:
    vehicles = {vehicle for _, _, vehicle in call.targets if vehicle}
    if call.kind == "create":
        vehicles.add(call.vehicle or "")
    for item in _items(history, call):
        vehicles.update(state.vehicle for state in item.possible_states(call.begin, call.end))
    slots = -1 if call.period is None else call.period.mask
    if any(timelines.possibly_closed(vehicle).at_some_time(call.begin, call.end) & slots for vehicle in vehicles):
        return None
    return "no vehicle was closed"


def _allocation_not_found(history: History, timelines: Timelines, call: Call) -> str | None:
    items = _items(history, call)
    if call.kind == "change_list" and len(items) < len(call.targets) and call.index is None:
        return None
    for item in items:
        if not item.certainly_exists(call.begin, call.end):
            return None
        states = item.possible_states(call.begin, call.end)
        if call.vehicle is not None and any(state.vehicle != call.vehicle for state in states):
            return None
    return "the allocation existed" if items else None


def _resource_not_found(history: History, timelines: Timelines, call: Call) -> str | None:
    vehicle = history.vehicles.get(call.vehicle or "")
    if vehicle is not None and vehicle.certainly_exists(call.begin, call.end):
        return "the vehicle existed"
    return None


def _version_mismatch(history: History, timelines: Timelines, call: Call) -> str | None:
    expected = {item_id: version for item_id, version, _ in call.targets}
    items = _items(history, call)
    if call.item is None and call.vehicle is not None:
        items = [history.vehicles[call.vehicle]] if call.vehicle in history.vehicles else []
    for item in items:
        version = expected.get(item.id, call.if_match)
        if any(state.version != version for state in item.possible_states(call.begin, call.end)):
            return None
    return "the item had this version"


def _invalid_fields(history: History, timelines: Timelines, call: Call) -> str | None:
    # The load sends some changes that do not fit the current state of an allocation.
    if call.kind in ("change", "change_list"):
        return None
    if call.kind == "create":
        slots = -1 if call.period is None else call.period.mask
        if timelines.possibly_archived(call.vehicle or "").at_some_time(call.begin, call.end) & slots:
            return None
    return "the request was valid"


def _archived(history: History, timelines: Timelines, call: Call) -> str | None:
    for item in _items(history, call):
        for state in item.possible_states(call.begin, call.end):
            archived = timelines.possibly_archived(state.vehicle).at_some_time(call.begin, call.end)
            if state.period is not None and not state.period.mask & ~archived:
                return None
    return "the allocation was not archived"


def _items(history: History, call: Call) -> list[Item]:
    ids = [item_id for item_id, _, _ in call.targets] or [call.item or ""]
    if call.index is not None:
        ids = [ids[call.index]]
    return [history.allocations[item_id] for item_id in ids if item_id in history.allocations]


_REASONS: dict[str, Reason] = {
    "period_taken": _period_taken,
    "resource_in_use": _resource_in_use,
    "name_taken": _name_taken,
    "hold_expired": _hold_expired,
    "resource_closed": _resource_closed,
    "allocation_not_found": _allocation_not_found,
    "resource_not_found": _resource_not_found,
    "version_mismatch": _version_mismatch,
    "invalid_fields": _invalid_fields,
    "archived": _archived,
}
