"""Runs the load on a mutant until the checker finds it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from proof import faults
from proof.checker.check import check
from proof.history import files
from proof.mutants.catalogue import Mutant
from proof.mutants.database import execute
from proof.system.stack import APP, GATEWAY, Stack
from proof.workload.run import Inject, Load, run

# Seconds of load of each attempt, together less than a minute.
_ATTEMPTS = (8.0, 16.0, 32.0)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: the violated rules, and whether one of those that the mutant names is among them."""

    mutant: Mutant
    engine: str
    violated: list[str]
    operations: int
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether an expected rule is violated."""
        return any(rule in self.mutant.rules for rule in self.violated)


def try_mutant(mutant: Mutant, engine: str, seed: int, folder: Path) -> Outcome:
    """Run attempts until the mutant is caught; seconds and operations are those of all attempts."""
    operations, seconds, violated = 0, 0.0, []
    for number, duration in enumerate(_ATTEMPTS):
        attempt = folder / f"attempt-{number}"
        started = time.monotonic()
        _load(mutant, engine, seed + number, duration, attempt)
        seconds += min(duration, time.monotonic() - started)
        report = check(attempt / "history")
        operations += len(report.history.calls)
        violated = report.violated
        outcome = Outcome(mutant, engine, violated, operations, seconds)
        if outcome.caught:
            break
    return outcome


def _load(mutant: Mutant, engine: str, seed: int, seconds: float, folder: Path) -> None:
    history = folder / "history"
    history.mkdir(parents=True)
    environ = {**mutant.environ, "PROOF_PATCH": mutant.patch} if mutant.patch else dict(mutant.environ)
    os.environ["PROOF_GATEWAY_PATCH"] = mutant.gateway_patch or ""
    app = "proof.mutants.service:app" if mutant.patch else APP
    gateway = "proof.mutants.gateway:app" if mutant.gateway_patch else GATEWAY
    full = bool(mutant.faults)
    with Stack(engine, folder / "system", app, environ, full=full, gateway_app=gateway if full else None) as stack:
        if mutant.gateway_patch:
            # Only what passes through the gateway can find it.
            del stack.urls[:-1]
        execute(stack, mutant.sql.get(engine, ()))
        run(stack, Load(seed, seconds, imports=0), history, _during(mutant, stack, seed, history))


def _during(mutant: Mutant, stack: Stack, seed: int, history: Path) -> Inject | None:
    def inject(seconds: float) -> None:
        faults.run(stack, seed, history / files.FAULTS, seconds, mutant.faults)

    def restart_in_the_middle(seconds: float) -> None:
        assert stack.cluster is not None
        time.sleep(seconds / 2)
        stack.cluster.restart(mutant.restart)
        time.sleep(seconds / 2)

    if mutant.faults:
        return inject
    return restart_in_the_middle if mutant.restart else None
