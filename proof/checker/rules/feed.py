"""The change feed retells the history."""

from collections.abc import Iterator
from pathlib import Path

from proof.checker.model import Event, History
from proof.checker.timelines import Timelines
from proof.history.files import read_lines
from proof.workload.final import READER


def feed_complete(history: History, timelines: Timelines) -> Iterator[str]:
    """Each acknowledged change has one event with the same content, and no change has two."""
    ids = set()
    changes = set()
    for event in history.events:
        change = (event.state.item.id, "end" if event.is_end else event.state.version)
        if event.id in ids or change in changes:
            yield f"twice in the feed: {event}"
        ids.add(event.id)
        changes.add(change)
    for item in (*history.vehicles.values(), *history.allocations.values()):
        for state in item.states.values():
            if state.content is not None and state.event is None:
                yield f"no event for {state}"
        if item.deletes and item.removal is None:
            yield f"no event for {item.deletes[0]}"
    references = {item.reference for item in history.allocations.values()}
    for reference, call in history.imported.items():
        # An import without a status failed as a whole, or after some of its rows.
        if reference not in references and call.status is not None:
            yield f"no event for the row {reference} of {call}"


def causal_order(history: History, timelines: Timelines) -> Iterator[str]:
    """An event follows those of all changes that had been acknowledged before its own change was requested."""
    latest: Event | None = None
    for event in history.events:
        if event.call is None:
            continue
        if latest is not None and latest.call is not None and event.call.known_end < latest.call.begin:
            yield f"{event} of {event.call} follows {latest} of {latest.call}"
        if latest is None or latest.call is None or event.call.begin > latest.call.begin:
            latest = event


def feed_readers(history: History, timelines: Timelines) -> Iterator[str]:
    """Each reader that followed the feed during the run got every event once, in the order of the final feed."""
    for failure in history.feed_failures:
        yield f"the recorder: {failure}"
    position = {event.id: number for number, event in enumerate(history.events)}
    for name, path in history.readers.items():
        yield from _compare(name, path, position, history)


def _compare(name: str, path: Path, position: dict[str, int], history: History) -> Iterator[str]:
    expected = None if name == READER else 0
    for page in read_lines(path):
        if "ids" not in page:
            yield f"reader {name}: status {page['status']}"
            continue
        for event_id in page["ids"]:
            if event_id in history.other_events:
                continue
            number = position.get(event_id)
            if number is None:
                yield f"reader {name} got the event {event_id}, which the recorder did not get"
                continue
            if expected not in (None, number):
                yield f"reader {name}: {history.events[number]} instead of {history.events[expected : expected + 1]}"
            expected = number + 1
    if (expected or 0) < len(history.events):
        yield f"reader {name} did not get the end: {history.events[expected or 0]}"


def versions(history: History, timelines: Timelines) -> Iterator[str]:
    """Each change raises the version of its item by one, and one version has one content."""
    yield from history.contents
    for item in (*history.vehicles.values(), *history.allocations.values()):
        if sorted(item.states) != list(range(1, len(item.states) + 1)):
            yield f"{item.id} has the versions {sorted(item.states)}"
    for call in history.calls:
        if call.if_match is not None and call.succeeded and call.results:
            version = call.results[0].version
            if version not in (call.if_match, call.if_match + 1):
                yield f"{call} with the version {call.if_match} made version {version}"
