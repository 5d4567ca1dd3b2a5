"""The processes of the load: callers with random operations, and readers of the change feed.

``python -m proof.workload.process`` reads its work as JSON from the first line of standard input, and ends when its
standard input is closed: also if the process that started it has died.
"""

import json
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from proof.history import files
from proof.history.call import CallRecord
from proof.workload.caller import Caller
from proof.workload.connection import Connection, NotSent, Request, Target
from proof.workload.operations import WEIGHTS, reads
from proof.workload.world import World

# The reader of the feed that writes whole events.
RECORDER = "recorder"
_PAUSE = 0.05
_PAGE = 500
_CURSOR_EXPIRED = 410


@dataclass(frozen=True)
class Work:
    """What a process does: its name and seed, the targets, and the folder of the history.

    A caller ends after ``operations`` (0: no limit), a reader (``reads``) when it is stopped.
    """

    name: str
    seed: int
    targets: list[Target]
    folder: str
    operations: int = 0
    reads: bool = False


class Process:
    """A started process."""

    def __init__(self, work: Work) -> None:
        self.name = work.name
        command = [sys.executable, "-m", __spec__.name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        self._stdin.write(f"{json.dumps(asdict(work))}\n".encode())
        self._stdin.flush()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Tell the process to end after its current operation."""
        self._stdin.close()

    def join(self, seconds: float) -> bool:
        """Wait until the process has ended, and kill it after ``seconds``; return whether it succeeded."""
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False


def main() -> None:
    """Do the work that standard input names."""
    work = json.loads(sys.stdin.buffer.readline())
    work["targets"] = [Target(**target) for target in work["targets"]]
    run = _follow if work["reads"] else _call
    run(Work(**work), _is_stopped)


def _is_stopped() -> bool:
    """Return whether standard input is closed; nothing but its end follows the first line."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _call(work: Work, is_stopped: Callable[[], bool]) -> None:
    chance = random.Random(f"{work.seed}-{work.name}")
    choices, weights = list(WEIGHTS), list(WEIGHTS.values())
    with files.Writer(files.calls_path(Path(work.folder), work.name)) as writer:
        caller, world = Caller(work.name, work.targets, writer, chance), World(chance)
        for turn in range(work.operations or 10**12):
            if is_stopped():
                break
            if turn % 40 == 0:
                reads.vehicles(caller, world)
            chance.choices(choices, weights)[0](caller, world)
        caller.close()


def _follow(work: Work, is_stopped: Callable[[], bool]) -> None:
    """Read the feed from its beginning until the process is stopped, and then to its end.

    The reader called ``RECORDER`` writes whole events, because purge may delete them before the run ends; the others
    write the ids.
    """
    chance, folder = random.Random(f"{work.seed}-{work.name}"), Path(work.folder)
    connections = [Connection(target) for target in work.targets]
    cursor, count = None, 0
    path = folder / files.EVENTS if work.name == RECORDER else files.feed_path(folder, work.name)
    with files.Writer(path) as writer:
        while True:
            stopped = is_stopped()
            count += 1
            page = _page(chance.choice(connections), cursor, f"{work.name}-{count}")
            if page is None or page["status"] is None:
                time.sleep(_PAUSE)
                continue
            answer = page["answer"]
            if page["status"] != 200:
                writer.write({"status": page["status"], "after": cursor, "answer": answer})
                if page["status"] == _CURSOR_EXPIRED:
                    break
                time.sleep(_PAUSE)
                continue
            _write(writer, page, whole=work.name == RECORDER)
            cursor = answer["next"]
            if not answer["events"]:
                if stopped:
                    break
                time.sleep(_PAUSE)
    for connection in connections:
        connection.close()


def _write(writer: files.Writer, page: CallRecord, *, whole: bool) -> None:
    events = page["answer"]["events"]
    if whole:
        for event in events:
            writer.write(event)
    elif events:
        writer.write({"begin": page["begin"], "end": page["end"], "ids": [event["id"] for event in events]})


def _page(connection: Connection, cursor: str | None, request_id: str) -> CallRecord | None:
    path = f"/api/events?limit={_PAGE}" + (f"&after={cursor}" if cursor else "")
    try:
        return connection.finish(connection.start(Request("events", "GET", path), request_id))
    except NotSent:
        return None


if __name__ == "__main__":
    main()
