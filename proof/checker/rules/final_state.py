"""The state after the run is the acknowledged history."""

from collections.abc import Iterator

from proof.checker.model import History, Item
from proof.checker.timelines import Timelines


def acknowledged(history: History, timelines: Timelines) -> Iterator[str]:
    """Every acknowledged change is in the final state: nothing is lost, and nothing deleted is there."""
    for item in (*history.vehicles.values(), *history.allocations.values()):
        yield from _compare(history, item)


def _compare(history: History, item: Item) -> Iterator[str]:
    last, final = item.last, history.final.get(item.id)
    if final is not None and item.deletes:
        yield f"{item.id} was deleted by {item.deletes[0]}, and is in the final list"
    elif final is not None and final is not last:
        yield f"{item.id} has the final version {final.version}, but version {last.version} was seen"
    elif final is None and not _has_ended(history, item):
        yield f"{last} is missing in the final list; {last.maker or 'its request is unknown'}"


def _has_ended(history: History, item: Item) -> bool:
    last = item.last
    vehicle = history.vehicles.get(last.vehicle)
    return bool(
        item.removal is not None
        or item.deletes
        or (last.held and last.expires - history.tolerance <= history.final_time)
        or (vehicle is not None and (vehicle.removal is not None or vehicle.deletes))
    )


def requested(history: History, timelines: Timelines) -> Iterator[str]:
    """Every vehicle, allocation and change has a request that asked for exactly this."""
    yield from history.mismatches
    for item in history.allocations.values():
        if item.reference not in history.by_reference and any(state.content for state in item.states.values()):
            yield f"no request for the allocation {item.id} with the reference {item.reference}"
    for event in history.events:
        if event.kind != "expired" and event.call is None:
            yield f"no request for {event}"
        elif event.call is not None and event.kind not in _KINDS[event.call.kind]:
            yield f"{event} comes from {event.call}"


_KINDS = {
    "register": ("resource_registered",),
    "change_vehicle": ("resource_changed",),
    "decommission": ("resource_decommissioned", "deallocated"),
    "create": ("allocated",),
    "any": ("allocated",),
    "change": ("allocation_changed", "confirmed"),
    "change_list": ("allocation_changed", "confirmed"),
    "cancel": ("deallocated",),
    "import": ("resource_registered", "allocated"),
}
