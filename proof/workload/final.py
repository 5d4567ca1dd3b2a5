"""The reads after the run: the whole feed, all lists, and the integrity check."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from proof.history import files
from proof.workload.beside import System
from proof.workload.connection import Connection, NotSent, Request, Target
from proof.workload.timetable import TYPES

# The name of this reader of the feed. After purge, it does not get the first events.
READER = "final"
# Seconds.
_PATIENCE = 120.0


class NotAnswered(Exception):
    """The system did not answer a read after the run."""


def read(stack: System, targets: Sequence[Target], folder: Path) -> None:
    """Write the ids of the events that are still in the feed, and ``final.json``."""
    reader = _Reader(targets[0])
    with files.Writer(files.feed_path(folder, READER)) as writer:
        for ids in reader.ids():
            writer.write({"ids": ids})
    vehicles = {name: list(reader.pages(f"/api/{name}?limit=1000")) for name in TYPES}
    # With a window, the lists have the archived allocations, too.
    everything = "limit=1000&from=1900-01-01T00:00:00Z"
    allocations = {name: list(reader.pages(f"/api/{name}/all/allocations?{everything}")) for name in TYPES}
    process = stack.manage("check")
    check = {"status": process.returncode, "output": process.stdout + process.stderr}
    files.write_json(
        folder / files.FINAL, {"vehicles": vehicles, "allocations": allocations, "check": check, **files.clocks()}
    )


class _Reader:
    def __init__(self, target: Target) -> None:
        self._connection, self._count = Connection(target), 0

    def get(self, path: str) -> Any:
        """Return the JSON of a response with status 200."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self._count += 1
            try:
                request = Request("final", "GET", path)
                record = self._connection.finish(self._connection.start(request, f"final-{self._count}"))
                if record["status"] == 200:
                    return record["answer"]
            except NotSent:
                pass
            time.sleep(0.2)
        raise NotAnswered(path)

    def ids(self) -> Iterator[list[str]]:
        """Yield the ids of the events of each page of the feed."""
        cursor = ""
        while True:
            page = self.get(f"/api/events?limit=1000{cursor}")
            if not page["events"]:
                return
            yield [event["id"] for event in page["events"]]
            cursor = f"&after={page['next']}"

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a list, which must fit on one page."""
        rows = self.get(path)
        if len(rows) >= 1000:
            raise NotAnswered(f"{path} has more rows than one page.")
        yield from rows
