"""When each state existed: certainly, and possibly.

A state certainly exists from the end of the first call that returned it until the begin of the call that could have
changed or ended it. It possibly exists from the begin of the call that made it until the end of the call that changed
or ended it. A hold also ends when it expires.
"""

from itertools import pairwise

from proof.checker.model import History, Item, State


def bound(history: History) -> None:
    """Set the times of all states."""
    for item in history.vehicles.values():
        _bound_item(history, item)
        for state in item.states.values():
            history.by_name[state.name].append(state)
    for item in history.allocations.values():
        _bound_item(history, item)


def _bound_item(history: History, item: Item) -> None:
    states = [item.states[version] for version in sorted(item.states)]
    for state in states:
        if state.maker is not None:
            state.begin = state.maker.begin
        elif not state.acknowledged:
            # It was only read: the call that made it is unknown.
            state.begin = -1.0
    for state, following in pairwise(states):
        state.certain_end, state.possible_end = following.begin, following.known
    _end(history, item, states[-1])
    for state in states:
        if state.held:
            _expire(history, state)


def _end(history: History, item: Item, last: State) -> None:
    """Set the times of the end of an item."""
    removal = item.removal
    if removal is not None and removal.call is not None:
        last.certain_end, last.possible_end = removal.call.begin, removal.call.known_end
    for call in item.deletes:
        last.certain_end = min(last.certain_end, call.begin)
        last.possible_end = min(last.possible_end, call.end)
    vehicle = history.vehicles.get(last.vehicle)
    if vehicle is not None:
        calls = [*vehicle.deletes, *([vehicle.removal.call] if vehicle.removal and vehicle.removal.call else [])]
        for call in calls:
            last.certain_end = min(last.certain_end, call.begin)
            last.possible_end = min(last.possible_end, call.known_end)


def _expire(history: History, state: State) -> None:
    expected = state.expires - history.tolerance
    for begin, end in history.wrong_clock:
        if state.begin <= end and state.possible_end >= begin:
            # The service may have compared the expiry with any time.
            state.certain_end = min(state.certain_end, expected, max(begin, state.begin))
            return
    state.certain_end = min(state.certain_end, expected)
    state.possible_end = min(state.possible_end, state.expires + history.tolerance)
