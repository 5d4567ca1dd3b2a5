"""Reads agree with the allocations that may have existed at their time."""

from collections import defaultdict
from collections.abc import Iterator

from proof.checker.model import History, Read, State
from proof.checker.rules.free_vehicles import certainly_free
from proof.checker.timelines import Timelines
from proof.workload.timetable import TYPES


def availability(history: History, timelines: Timelines) -> Iterator[str]:
    """Availability shows as busy what certainly was, as free what possibly was, and lists of free vehicles agree."""
    for read in history.reads:
        if read.kind == "availability":
            for vehicle in read.busy:
                yield from _compare(timelines, read, vehicle)
            yield from _missing_vehicles(timelines, read)
        elif read.kind == "free":
            yield from _compare_free(history, timelines, read)
        elif read.kind == "vehicles" and read.call.vehicle is None:
            yield from _missing_vehicles(timelines, read)


def lists(history: History, timelines: Timelines) -> Iterator[str]:
    """Lists and single reads show what certainly existed, and nothing else than what possibly existed."""
    for read in history.reads:
        call = read.call
        for state in read.states:
            if not state.is_possible(call.begin, call.end):
                yield f"{call}: {state} existed only from {state.begin:.3f} to {state.possible_end:.3f}"
        if read.kind == "list":
            yield from _overlaps_in(read)
    yield from _missing_rows(history)


def _compare(timelines: Timelines, read: Read, vehicle: str) -> Iterator[str]:
    call, window = read.call, read.period.mask
    busy = free = 0
    for period in read.busy[vehicle]:
        busy |= period.mask
    for period in read.free[vehicle]:
        free |= period.mask
    if busy & free or (busy | free) != window:
        yield f"{call}: free and busy are not the window of {vehicle}"
    if timelines.certain(vehicle, call.begin, call.end) & window & ~busy:
        yield f"{call}: {vehicle} was busy for a part of what is free"
    if busy & ~timelines.possible(vehicle).at_some_time(call.begin, call.end):
        yield f"{call}: {vehicle} was free for a part of what is busy"


def _missing_vehicles(timelines: Timelines, read: Read) -> Iterator[str]:
    call = read.call
    if call.vehicle is None:
        expected = timelines.circulating(TYPES[call.collection], call.begin, call.end)
        for vehicle in sorted(set(expected) - set(read.vehicles)):
            yield f"{call}: {vehicle} is missing"


def _compare_free(history: History, timelines: Timelines, read: Read) -> Iterator[str]:
    call, slots = read.call, read.period.mask
    for vehicle in read.vehicles:
        if timelines.certain(vehicle, call.begin, call.end) & slots:
            yield f"{call}: {vehicle} was busy"
    for vehicle in certainly_free(history, timelines, call, slots, set(read.vehicles)):
        yield f"{call}: {vehicle} was free"


def _overlaps_in(read: Read) -> Iterator[str]:
    """A list is one snapshot, so its own rows must not overlap."""
    busy: dict[str, int] = defaultdict(int)
    for state in read.states:
        mask = state.period.mask if state.period is not None else 0
        if busy[state.vehicle] & mask:
            yield f"{read.call}: {state} overlaps another row"
        busy[state.vehicle] |= mask


def _missing_rows(history: History) -> Iterator[str]:
    """Yield the allocations that certainly existed during a list and are not in it."""
    reads = sorted((read for read in history.reads if read.kind == "list"), key=lambda read: read.call.begin)
    states = sorted(
        (
            state
            for item in history.allocations.values()
            for state in item.states.values()
            if state.known < state.certain_end and state.period is not None
        ),
        key=lambda state: state.known,
    )
    active: dict[str, list[State]] = defaultdict(list)
    position = 0
    for read in reads:
        call = read.call
        while position < len(states) and states[position].known <= call.begin:
            active[states[position].vehicle].append(states[position])
            position += 1
        resource_type = TYPES[call.collection]
        vehicles = [call.vehicle] if call.vehicle is not None else list(active)
        for vehicle in vehicles:
            current = active[vehicle] = [state for state in active[vehicle] if state.certain_end > call.begin]
            if not current:
                del active[vehicle]
                continue
            if current[0].item.type != resource_type:
                continue
            for state in current:
                if (
                    state.certain_end >= call.end
                    and state.period is not None
                    and state.period.mask & read.period.mask
                    and state not in read.states
                ):
                    yield f"{call}: {state} is missing"
