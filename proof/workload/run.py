"""One run: vehicles are registered, processes load the system, and its final state is read."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proof.history import files
from proof.system.stack import Stack
from proof.workload import final, process
from proof.workload.beside import Beside
from proof.workload.caller import Caller
from proof.workload.connection import Request
from proof.workload.operations.vehicles import FLEET
from proof.workload.timetable import TYPES

CALLERS, READERS = 8, 2
_JOIN = 300.0


@dataclass(frozen=True)
class Load:
    """The size of a run: it ends after ``seconds``, or when each caller has made ``operations`` (0: no limit).

    ``beside`` are the seconds between two imports; 0 means none.
    """

    seed: int
    seconds: float
    operations: int = 0
    callers: int = CALLERS
    readers: int = READERS
    beside: float = 10.0


class Incomplete(Exception):
    """A process of the load failed, so the history is not complete."""


def run(stack: Stack, load: Load, folder: Path, faults: Callable[[float], None] | None = None) -> None:
    """Run the load on a started system and write the history to ``folder``.

    ``faults`` is called with the seconds of the run and returns when the system is healthy again; None: no faults.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_settings(stack, load, folder)
    _register_fleet(stack, load, folder)
    stop = process.new_stop()
    work = [process.Work(f"c{n}", load.seed, stack.urls, folder, load.operations, stop) for n in range(load.callers)]
    callers = [process.start_caller(item) for item in work]
    stop_readers = process.new_stop()
    readers = [
        process.start_reader(process.Work(f"r{number}", load.seed, stack.urls, folder, 0, stop_readers))
        for number in range(load.readers)
    ]
    beside = Beside(stack, folder, load.seed, stop, load.beside) if load.beside else None
    if beside is not None:
        beside.start()
    try:
        _wait(load, callers, faults)
    finally:
        stop.set()
        _join(callers)
        if beside is not None:
            beside.join()
        stop_readers.set()
        _join(readers)
    failed = [item.name for item in (*callers, *readers) if item.exitcode != 0]
    if failed:
        raise Incomplete(f"failed: {', '.join(failed)}")
    final.read(stack, stack.urls, folder)


def _wait(load: Load, callers: list, faults: Callable[[float], None] | None) -> None:
    deadline = time.monotonic() + load.seconds
    if faults is not None:
        faults(load.seconds)
    while time.monotonic() < deadline and any(caller.is_alive() for caller in callers):
        time.sleep(0.1)


def _join(processes: list) -> None:
    for item in processes:
        item.join(_JOIN)
        if item.is_alive():
            item.terminate()
            item.join()


def _write_settings(stack: Stack, load: Load, folder: Path) -> None:
    settings = {"engine": stack.engine, "seed": load.seed, "callers": load.callers, **files.clocks()}
    files.write_json(folder / files.RUN, settings)


def _register_fleet(stack: Stack, load: Load, folder: Path) -> None:
    with files.Writer(files.calls_path(folder, "setup")) as writer:
        caller = Caller("setup", stack.urls, writer, random.Random(load.seed))
        for collection in TYPES:
            for number in range(FLEET):
                body = {"name": f"{collection}-{number}"}
                caller.send(Request("register", "POST", f"/api/{collection}", body, key=caller.next_id()))
        caller.close()
