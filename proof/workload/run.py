"""One run: vehicles are registered, processes load the system, and its final state is read."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from proof.history import files
from proof.workload import final
from proof.workload.beside import Beside, System
from proof.workload.caller import Caller
from proof.workload.connection import Request, Target
from proof.workload.operations.vehicles import FLEET
from proof.workload.process import RECORDER, Process, Work
from proof.workload.timetable import TYPES

CALLERS, READERS = 8, 1
# Seconds until the last short hold has expired, and until a process must have ended.
_UNTIL_EXPIRED, _JOIN = 4.0, 300.0
# Seconds of faults between two looks at the callers.
_TURN = 1.0


@dataclass(frozen=True)
class Load:
    """The size of a run: it ends after ``seconds``, or when each caller has made ``operations`` (0: no limit).

    An import and a purge run every ``pause`` seconds, at most ``imports`` times.
    """

    seed: int
    seconds: float
    operations: int = 0
    callers: int = CALLERS
    readers: int = READERS
    pause: float = 10.0
    imports: int = 1_000_000


class Incomplete(Exception):
    """A process of the load failed, or the system did not respond after the load."""


# Injects faults for so many seconds; returns when the system is healthy again.
Inject = Callable[[float], object]


def run(stack: System, load: Load, folder: Path, inject: Inject | None = None) -> None:
    """Run the load on a started system, under faults if ``inject`` is given, and write the history to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = [Target(target.url, dict(target.headers)) for target in stack.urls]
    _write_settings(stack, load, folder)
    _register_fleet(targets, load, folder)
    work = partial(Work, seed=load.seed, targets=targets, folder=str(folder))
    callers = [Process(work(f"c{number}", operations=load.operations)) for number in range(load.callers)]
    readers = [
        Process(work(name, reads=True)) for name in (RECORDER, *(f"r{number}" for number in range(load.readers)))
    ]
    beside = Beside(stack, folder, load.seed, load.pause, load.imports)
    beside.start()
    try:
        _wait(load, callers, inject)
    finally:
        failed = _stop(callers)
        beside.stop()
        # The events of the last holds that expire.
        time.sleep(_UNTIL_EXPIRED)
        failed += _stop(readers)
    if failed:
        raise Incomplete(f"failed: {', '.join(failed)}")
    try:
        final.read(stack, targets, folder)
    except final.NotAnswered as error:
        raise Incomplete(f"no answer after the load: {error}") from error


def _wait(load: Load, callers: Sequence[Process], inject: Inject | None) -> None:
    deadline = time.monotonic() + load.seconds
    while time.monotonic() < deadline and any(caller.is_running for caller in callers):
        if inject is None:
            time.sleep(0.1)
        else:
            # If the callers end after a number of operations, the faults must end soon after them.
            inject(_TURN if load.operations else deadline - time.monotonic())


def _stop(processes: Sequence[Process]) -> list[str]:
    """Stop processes and return the names of those that failed."""
    for item in processes:
        item.stop()
    return [item.name for item in processes if not item.join(_JOIN)]


def _write_settings(stack: System, load: Load, folder: Path) -> None:
    settings = {"engine": stack.engine, "seed": load.seed, "callers": load.callers, **files.clocks()}
    files.write_json(folder / files.RUN, settings)


def _register_fleet(targets: Sequence[Target], load: Load, folder: Path) -> None:
    with files.Writer(files.calls_path(folder, "setup")) as writer:
        caller = Caller("setup", targets, writer, random.Random(load.seed))
        for collection in TYPES:
            for number in range(FLEET):
                body = {"name": f"{collection}-{number}"}
                caller.send(Request("register", "POST", f"/api/{collection}", body, key=caller.next_id()))
        caller.close()
