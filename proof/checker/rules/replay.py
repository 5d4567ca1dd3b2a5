"""A strict replay of the feed gives the final state, and is consistent after each event."""

from collections import defaultdict
from collections.abc import Iterator

from proof.checker.model import Event, History, State
from proof.checker.timelines import Timelines


def strict_replay(history: History, timelines: Timelines) -> Iterator[str]:
    """After each event, no allocations overlap; the events of one change list are applied together."""
    replay = _Replay(history)
    for event in history.events:
        yield from replay.apply(event)
    yield from replay.compare()


class _Replay:
    def __init__(self, history: History) -> None:
        self._history = history
        self._states: dict[str, State] = {}
        self._ended: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        self._on_vehicle: dict[str, dict[str, State]] = defaultdict(dict)
        # Events of change lists that are not complete yet, by request.
        self._lists: dict[str, list[Event]] = defaultdict(list)

    def apply(self, event: Event) -> Iterator[str]:
        """Apply an event, or the events of a change list together with the last of them."""
        call = event.call
        if call is None or call.kind != "change_list":
            yield from self._apply([event])
            return
        events = self._lists[call.request_id]
        events.append(event)
        if len(events) == len(call.targets):
            yield from self._apply(self._lists.pop(call.request_id))

    def compare(self) -> Iterator[str]:
        """Compare the result with the final lists."""
        for events in self._lists.values():
            yield f"the feed has only a part of a change list: {events}"
        final = self._history.final
        for item_id, state in self._states.items():
            if item_id not in final:
                if not (state.held and state.expires - self._history.tolerance <= self._history.final_time):
                    yield f"{state} remains after the replay, and is not in the final list"
            elif final[item_id] is not state:
                yield f"{state} remains after the replay, and {final[item_id]} is in the final list"
        for item_id in final.keys() - self._states.keys():
            yield f"{final[item_id]} is in the final list, and not in the replay"

    def _apply(self, events: list[Event]) -> Iterator[str]:
        for event in events:
            yield from self._check(event)
            yield from self._remove(event)
        for event in events:
            if not event.is_end:
                yield from self._put(event)

    def _check(self, event: Event) -> Iterator[str]:
        item, state = event.state.item, event.state
        before = self._states.get(item.id)
        if item.id in self._ended:
            yield f"after the end of its item: {event}"
        is_first = event.kind in ("resource_registered", "allocated")
        expected = before.version + (not event.is_end) if before is not None else 1
        if is_first != (before is None) or state.version != expected:
            yield f"{event} follows version {before.version if before is not None else 'none'}"
        if event.kind == "confirmed" and before is not None and (not before.held or state.held):
            yield f"{event} does not confirm a hold"
        if event.kind == "expired" and not state.held:
            yield f"{event} is of no hold"
        if not item.is_vehicle and state.vehicle not in self._states:
            yield f"{event} is of a vehicle that is not in circulation"

    def _remove(self, event: Event) -> Iterator[str]:
        item = event.state.item
        before = self._states.pop(item.id, None)
        if before is not None and not item.is_vehicle:
            self._on_vehicle[before.vehicle].pop(item.id, None)
        if before is not None and item.is_vehicle:
            self._names.pop((item.type, before.name), None)
        if event.is_end:
            self._ended.add(item.id)
            if item.is_vehicle:
                for allocation, state in self._on_vehicle.pop(item.id, {}).items():
                    if state.held:
                        yield f"{event} leaves the hold {state} without an end"
                    self._states.pop(allocation, None)
                    self._ended.add(allocation)

    def _put(self, event: Event) -> Iterator[str]:
        item, state = event.state.item, event.state
        self._states[item.id] = state
        if item.is_vehicle:
            if (item.type, state.name) in self._names:
                yield f"{event} takes the name of {self._names[item.type, state.name]}"
            self._names[item.type, state.name] = item.id
            return
        others = self._on_vehicle[state.vehicle]
        for other in others.values():
            if other.period is not None and state.period is not None and other.period.mask & state.period.mask:
                yield f"{event} overlaps {other}"
        others[item.id] = state
