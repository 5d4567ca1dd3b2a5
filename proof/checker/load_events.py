"""Reads the events of the final feed."""

import sys
from pathlib import Path

from proof.checker.model import Event, History
from proof.checker.states import is_of_load, monotonic, state_of
from proof.history import files


def load_events(history: History, folder: Path, offset: float) -> None:
    """Add the events and the states that they show."""
    for row in files.read_lines(folder / files.EVENTS):
        if "status" in row:
            history.feed_failures.append(f"status {row['status']}: {row['answer']}")
            continue
        if not is_of_load(row["resource_type"]):
            history.other_events.add(row.get("id", ""))
            continue
        data = row["data"]
        if row["allocation_id"] is not None:
            # Nearly every event repeats the id of a vehicle.
            data["resource_id"] = sys.intern(data["resource_id"])
        state = state_of(history, data, offset)
        event = Event(row, state, monotonic(row["at"], offset))
        if event.is_end:
            if state.item.removal is None:
                state.item.removal = event
        elif state.event is None:
            state.event = len(history.events)
        history.events.append(event)
