"""What each vehicle was busy with at each time: certainly, and possibly."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from proof.checker.model import History, Item, State


class Stay(NamedTuple):
    """An item was on a vehicle from ``begin`` to ``end``, with the slots of ``mask``."""

    begin: float
    end: float
    mask: int
    item: Item
    held: bool


class Timeline:
    """The slots in which a vehicle is busy, as a step function of time."""

    def __init__(self, stays: Iterable[Stay]) -> None:
        self._times, self._masks = [float("-inf")], [0]
        changes = sorted(change for stay in stays for change in ((stay.begin, -1, stay.mask), (stay.end, 1, stay.mask)))
        counts: dict[int, int] = defaultdict(int)
        busy = 0
        for position, (time, step, mask) in enumerate(changes):
            # Stays that begin come before those that end at the same time, so that a slot does not seem free between.
            counts[mask] -= step
            if counts[mask] == 0:
                del counts[mask]
                busy = 0
                for other in counts:
                    busy |= other
            else:
                busy |= mask
            is_last = position + 1 == len(changes) or changes[position + 1][0] != time
            if is_last and busy != self._masks[-1]:
                self._times.append(time)
                self._masks.append(busy)

    def at_some_time(self, begin: float, end: float) -> int:
        """Return the slots that are busy at some time from ``begin`` to ``end``."""
        first, last = bisect_right(self._times, begin) - 1, bisect_right(self._times, end)
        busy = self._masks[first]
        for index in range(first + 1, last):
            busy |= self._masks[index]
        return busy

    def at_all_times(self, begin: float, end: float) -> int:
        """Return the slots that are busy at every time from ``begin`` to ``end``."""
        first, last = bisect_right(self._times, begin) - 1, bisect_right(self._times, end)
        busy = self._masks[first]
        for index in range(first + 1, last):
            busy &= self._masks[index]
        return busy


_EMPTY = Timeline(())


class _Fleets:
    """The vehicles that were certainly in circulation, as a step function of time for each type."""

    def __init__(self, history: History) -> None:
        self._vehicles = history.vehicles
        self._times: dict[str, list[float]] = defaultdict(list)
        self._fleets: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        changes = []
        for item in history.vehicles.values():
            if item.known < item.last.certain_end:
                changes += [(item.known, item), (item.last.certain_end, item)]
        current: dict[str, dict[str, None]] = defaultdict(dict)
        for time, item in sorted(changes, key=lambda change: change[0]):
            fleet = current[item.type]
            if item.id in fleet:
                del fleet[item.id]
            else:
                fleet[item.id] = None
            self._times[item.type].append(time)
            self._fleets[item.type].append(tuple(fleet))

    def at_all_times(self, resource_type: str, begin: float, end: float) -> list[str]:
        position = bisect_right(self._times[resource_type], begin) - 1
        if position < 0:
            return []
        fleet = self._fleets[resource_type][position]
        return [vehicle for vehicle in fleet if self._vehicles[vehicle].last.certain_end >= end]


class Timelines:
    """The timelines of all vehicles; those of allocations, and those of vehicles that are closed."""

    def __init__(self, history: History) -> None:
        self.certain_stays: dict[str, list[Stay]] = defaultdict(list)
        possible: dict[str, list[Stay]] = defaultdict(list)
        for item in history.allocations.values():
            for stay, vehicle in _certain(item):
                self.certain_stays[vehicle].append(stay)
            for state in item.states.values():
                if state.period is not None and state.possible_end > state.begin:
                    possible[state.vehicle].append(_possible(state))
        closed: dict[str, list[Stay]] = defaultdict(list)
        certainly_closed: dict[str, list[Stay]] = defaultdict(list)
        archived: dict[str, list[Stay]] = defaultdict(list)
        for vehicle, stay in _archived(history):
            possible[vehicle].append(stay)
            archived[vehicle].append(stay)
        self._fleets = _Fleets(history)
        for item in history.vehicles.values():
            for state in item.states.values():
                if state.period is not None:
                    possible[item.id].append(_possible(state))
                    closed[item.id].append(_possible(state))
                    if state.known < state.certain_end:
                        certainly_closed[item.id].append(_certain_stay(state))
        self._possible = {vehicle: Timeline(stays) for vehicle, stays in possible.items()}
        self._certain = {vehicle: Timeline(stays) for vehicle, stays in self.certain_stays.items()}
        self._certainly_closed = {vehicle: Timeline(stays) for vehicle, stays in certainly_closed.items()}
        self._closed = {vehicle: Timeline(stays) for vehicle, stays in closed.items()}
        self._archived = {vehicle: Timeline(stays) for vehicle, stays in archived.items()}

    def possible(self, vehicle: str) -> Timeline:
        """Return the slots in which a vehicle is possibly busy, closed or archived."""
        return self._possible.get(vehicle, _EMPTY)

    def certain(self, vehicle: str, begin: float, end: float) -> int:
        """Return the slots in which a vehicle was busy at all times from ``begin`` to ``end``, or closed at all times.

        The service reads closures and allocations one after the other.
        """
        busy = self._certain.get(vehicle, _EMPTY).at_all_times(begin, end)
        return busy | self._certainly_closed.get(vehicle, _EMPTY).at_all_times(begin, end)

    def circulating(self, resource_type: str, begin: float, end: float) -> list[str]:
        """Return the vehicles that were certainly in circulation at every time from ``begin`` to ``end``."""
        return self._fleets.at_all_times(resource_type, begin, end)

    def possibly_closed(self, vehicle: str) -> Timeline:
        """Return the slots in which a vehicle is possibly closed."""
        return self._closed.get(vehicle, _EMPTY)

    def possibly_archived(self, vehicle: str) -> Timeline:
        """Return the slots of a vehicle up to the end of its last allocation that is possibly archived."""
        return self._archived.get(vehicle, _EMPTY)


def _archived(history: History) -> Iterator[tuple[str, Stay]]:
    """Yield the vehicles, and the time up to the end of each allocation that a run of ``archive`` may have moved."""
    runs = [fault for fault in history.faults if "archived_before" in fault.get("detail", {})]
    states = [state for item in history.allocations.values() for state in item.states.values()]
    for run in runs:
        for state in states:
            period = state.period
            if (
                period is not None
                and period.end <= run["detail"]["archived_before"]
                and state.is_possible(run["begin"], run["recovered"])
            ):
                slots = (1 << period.mask.bit_length()) - 1
                yield state.vehicle, Stay(run["begin"], math.inf, slots, state.item, state.held)


def _possible(state: State) -> Stay:
    assert state.period is not None
    return Stay(state.begin, state.possible_end, state.period.mask, state.item, state.held)


def _certain_stay(state: State) -> Stay:
    assert state.period is not None
    return Stay(state.known, state.certain_end, state.period.mask, state.item, state.held)


def _certain(item: Item) -> Iterator[tuple[Stay, str]]:
    """Yield the stays of an allocation; during a change, in the slots that it has before and after the change."""
    versions = sorted(item.states)
    for version in versions:
        state = item.states[version]
        if state.period is None:
            continue
        if state.known < state.certain_end:
            yield _certain_stay(state), state.vehicle
        following = item.states.get(version + 1)
        if following is None or following.period is None or following.vehicle != state.vehicle:
            continue
        begin = max(state.known, following.begin)
        end = min(following.known, following.certain_end)
        mask = state.period.mask & following.period.mask
        if mask and begin < end:
            yield Stay(begin, end, mask, item, state.held or following.held), state.vehicle
