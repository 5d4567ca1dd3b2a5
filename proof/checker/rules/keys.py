"""A request is executed at most once, and every attempt with its Idempotency-Key has the same result."""

from collections import defaultdict
from collections.abc import Iterator

from proof.checker.model import Call, History, Item
from proof.checker.timelines import Timelines


def one_key_one_result(history: History, timelines: Timelines) -> Iterator[str]:
    """All attempts with one Idempotency-Key return the same result, and only one of them is executed."""
    for key, calls in history.by_key.items():
        succeeded = [call for call in calls if call.succeeded]
        if len({tuple(map(id, call.results)) for call in succeeded}) > 1:
            yield f"key {key} has several results: {succeeded}"
        if sum(not call.replayed for call in succeeded) > 1 or sum(bool(call.executed) for call in calls) > 1:
            yield f"key {key} was executed more than once: {calls}"
        known = min((call.end for call in succeeded), default=float("inf"))
        for call in calls:
            if call.status is not None and not call.succeeded:
                if call.begin > known:
                    yield f"key {key} was refused after its success: {call}"
                if call.reference and any(state.item.reference == call.reference for state, _ in call.conflicts):
                    yield f"key {key} was refused because of its own result: {call}"


def executed_once(history: History, timelines: Timelines) -> Iterator[str]:
    """A request makes its change at most once, also if a gateway or a server received it twice."""
    items: dict[str, list[Item]] = defaultdict(list)
    for item in history.allocations.values():
        items[item.reference or ""].append(item)
    for reference, call in history.by_reference.items():
        number = len(items.get(reference, ()))
        if number > call.quantity:
            ids = ", ".join(item.id for item in items[reference])
            yield f"{call} made {number} allocations instead of {call.quantity}: {ids}"
    for call in history.calls:
        if call.executed > 1 and call.kind not in ("decommission", "import") and call.executed > _expected(call):
            yield f"{call} made {call.executed} changes instead of {_expected(call)}"


def _expected(call: Call) -> int:
    return len(call.targets) if call.kind == "change_list" else call.quantity
