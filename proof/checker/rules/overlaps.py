"""Two allocations of a vehicle never overlap, at any time of the run."""

from collections.abc import Iterator

from proof.checker.model import History
from proof.checker.timelines import Stay, Timelines


def confirmed_overlap(history: History, timelines: Timelines) -> Iterator[str]:
    """Confirmed allocations of one vehicle never overlap, at any time between two acknowledgements."""
    for vehicle, stays in timelines.certain_stays.items():
        yield from _overlaps(vehicle, [stay for stay in stays if not stay.held])


def held_overlap(history: History, timelines: Timelines) -> Iterator[str]:
    """No allocation overlaps a hold of the same vehicle before the hold expires."""
    for vehicle, stays in timelines.certain_stays.items():
        for text, first, second in _pairs(vehicle, stays):
            if first.held or second.held:
                yield text


def _overlaps(vehicle: str, stays: list[Stay]) -> Iterator[str]:
    return (text for text, _, _ in _pairs(vehicle, stays))


def _pairs(vehicle: str, stays: list[Stay]) -> Iterator[tuple[str, Stay, Stay]]:
    """Yield pairs of stays of different allocations that overlap in their slots and in time."""
    active: list[Stay] = []
    busy, soonest = 0, float("inf")
    for stay in sorted(stays, key=lambda stay: stay.begin):
        if soonest <= stay.begin:
            active = [other for other in active if other.end > stay.begin]
            busy, soonest = 0, float("inf")
            for other in active:
                busy |= other.mask
                soonest = min(soonest, other.end)
        if busy & stay.mask:
            for other in active:
                if other.mask & stay.mask and other.item is not stay.item:
                    until = min(stay.end, other.end)
                    text = f"{other.item.id} and {stay.item.id} on {vehicle} from {stay.begin:.3f} to {until:.3f}"
                    yield text, other, stay
        active.append(stay)
        busy |= stay.mask
        soonest = min(soonest, stay.end)
