"""The processes of the load: callers with random operations, and readers of the change feed."""

import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.history import files
from proof.history.call import CallRecord
from proof.system.stack import Target
from proof.workload.caller import Caller
from proof.workload.connection import Connection, NotSent, Request
from proof.workload.operations import WEIGHTS, reads
from proof.workload.world import World

# New processes instead of copies of this one, which has threads.
_spawn = multiprocessing.get_context("spawn")
_PAUSE = 0.05
_PAGE = 500


@dataclass(frozen=True)
class Work:
    """What a process gets: its name and seed, the targets, the folder of the history, and when it ends.

    A caller ends after ``operations`` (0: no limit), and every process when ``stop`` is set.
    """

    name: str
    seed: int
    targets: Sequence[Target]
    folder: Path
    operations: int
    stop: Any


def new_stop() -> Any:
    """Return an event that ends all processes when it is set."""
    return _spawn.Event()


def start_caller(work: Work) -> Any:
    """Start a caller and return the process."""
    return _start(_call, work)


def start_reader(work: Work) -> Any:
    """Start a reader of the feed and return the process."""
    return _start(_follow, work)


def _start(function: Any, work: Work) -> Any:
    process = _spawn.Process(target=function, args=(work,), name=work.name)
    process.start()
    return process


def _call(work: Work) -> None:
    chance = random.Random(f"{work.seed}-{work.name}")
    choices, weights = list(WEIGHTS), list(WEIGHTS.values())
    with files.Writer(files.calls_path(work.folder, work.name)) as writer:
        caller, world = Caller(work.name, work.targets, writer, chance), World(chance)
        for turn in range(work.operations or 10**12):
            if work.stop.is_set():
                break
            if turn % 40 == 0:
                reads.vehicles(caller, world)
            chance.choices(choices, weights)[0](caller, world)
        caller.close()


def _follow(work: Work) -> None:
    """Read the feed from its beginning until ``stop`` is set, and then to its end."""
    chance = random.Random(f"{work.seed}-{work.name}")
    connections = [Connection(target) for target in work.targets]
    cursor, count = None, 0
    with files.Writer(files.feed_path(work.folder, work.name)) as writer:
        while True:
            stopped = work.stop.is_set()
            count += 1
            page = _page(chance.choice(connections), cursor, f"{work.name}-{count}")
            if page is None or page["status"] is None:
                time.sleep(_PAUSE)
                continue
            answer = page["answer"]
            if page["status"] != 200:
                writer.write({"status": page["status"], "after": cursor, "answer": answer})
                break
            ids = [event["id"] for event in answer["events"]]
            if ids:
                writer.write({"begin": page["begin"], "end": page["end"], "ids": ids})
            cursor = answer["next"]
            if not ids:
                if stopped:
                    break
                time.sleep(_PAUSE)
    for connection in connections:
        connection.close()


def _page(connection: Connection, cursor: str | None, request_id: str) -> CallRecord | None:
    path = f"/api/events?limit={_PAGE}" + (f"&after={cursor}" if cursor else "")
    try:
        return connection.finish(connection.start(Request("events", "GET", path), request_id))
    except NotSent:
        return None
