"""Injects faults one after another, sometimes two at once, and waits after each until the system has recovered."""

import json
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from proof.faults import probes
from proof.faults.fault import FaultProblem, Kind, Scene
from proof.faults.kinds import KINDS
from proof.faults.summary import Summary
from proof.system.stack import Stack

# How often two faults come at once.
_TWO_AT_ONCE = 0.2
# Seconds between the recovery and the next fault, at most.
_PAUSE = 2.0
_SHORTEST = 0.1


def run(stack: Stack, seed: int, file: Path, seconds: float, only: Sequence[str] | None = None) -> Summary:
    """Inject faults for so many seconds, append a line for each to ``file``, and return what came of them.

    The same seed chooses the same faults. ``only`` restricts them to these names. The system has recovered at the end.
    """
    runner = Runner(stack, seed, file, only)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runner.inject_next()
    return Summary.read(file)


class Runner:
    """Chooses faults by its seed, and injects them."""

    def __init__(self, stack: Stack, seed: int, file: Path, only: Sequence[str] | None = None) -> None:
        self._stack, self._random, self._file = stack, Random(seed), file
        chosen = [kind for kind in KINDS if stack.engine in kind.engines and (only is None or kind.name in only)]
        if unknown := set(only or ()) - {kind.name for kind in KINDS}:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        left_out = {kind.name: reason for kind in chosen if (reason := kind.left_out(stack)) is not None}
        self.kinds = [kind for kind in chosen if kind.name not in left_out]
        # The first faults are one of each kind, so that a short run has them all.
        self._bag = self._random.sample(self.kinds, len(self.kinds))
        self._append({"left_out": left_out})

    def inject_next(self) -> None:
        """Inject the next fault, or the next two at once; return when the system has recovered."""
        kinds = [self._draw()]
        if self._random.random() < _TWO_AT_ONCE:
            second = self._draw()
            if second.part != kinds[0].part:
                kinds.append(second)
            else:
                self._bag.append(second)
        self.inject(*kinds)
        time.sleep(self._random.uniform(0, _PAUSE))

    def inject(self, *kinds: Kind) -> None:
        """Inject these faults at once, and record them."""
        scenes = [Scene(self._stack, Random(self._random.random())) for _ in kinds]
        lasts = max(self._random.uniform(_SHORTEST, kind.seconds) for kind in kinds)
        begin, end, problem = time.monotonic(), None, None
        try:
            with ExitStack() as active:
                for kind, scene in zip(kinds, scenes, strict=True):
                    active.enter_context(kind.injected(scene))
                time.sleep(lasts)
            end = time.monotonic()
            probes.wait_for_recovery(self._stack)
        except FaultProblem as error:
            problem = str(error)
        except Exception:  # noqa: BLE001 - the report says that the proof itself failed
            problem = traceback.format_exc()
        recovered = time.monotonic()
        end = end or recovered
        for scene in scenes:
            scene.afterwards.close()
        names = [kind.name for kind in kinds]
        for kind, scene in zip(kinds, scenes, strict=True):
            record = {"name": kind.name, "begin": begin, "end": end, "recovered": recovered}
            outcome = {"recovery": recovered - end, "detail": scene.detail, "problem": problem}
            self._append({**record, **outcome, "together": names})

    def _draw(self) -> Kind:
        """Return the next kind: all kinds come, as often as their weights say, before the first one comes again."""
        if not self._bag:
            self._bag = [kind for kind in self.kinds for _ in range(kind.weight)]
            self._random.shuffle(self._bag)
        return self._bag.pop()

    def _append(self, record: object) -> None:
        with self._file.open("a") as file:
            file.write(json.dumps(record) + "\n")
