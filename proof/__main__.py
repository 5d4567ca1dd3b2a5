"""Run random requests under faults, record them, and check the record.

The exit status is 1 if a rule is violated. The seed decides the requests of each caller and the faults; what happens at
the same time also depends on the machine.
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from proof import faults, report
from proof.checker.check import check
from proof.faults.kinds import KINDS
from proof.faults.runner import Runner
from proof.history import files
from proof.system.stack import Stack
from proof.workload.run import Incomplete, Inject, Load, run

_ENGINES = ("sqlite", "postgresql")
# The short form: few callers and the simplest faults, for at most so many minutes.
_SHORT_CALLERS, _SHORT_MINUTES = 4, 10.0
_SHORT_FAULTS, _SHORT_COUNT = ["worker killed", "responses to callers cut"], 4
# Seconds.
_PAUSE = 0.1


def main() -> int:
    """Run the command and return its exit status."""
    arguments = _parser().parse_args()
    if arguments.check is not None:
        return 0 if _check(arguments.check) else 1
    print(f"seed {arguments.seed}", flush=True)
    engines = _ENGINES if arguments.engine == "both" else (arguments.engine,)
    with ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="invsys-proof-")))
        results = [_prove(engine, arguments, folder / engine) for engine in engines]
    return 0 if all(results) else 1


def _prove(engine: str, arguments: argparse.Namespace, folder: Path) -> bool:
    is_short = arguments.short > 0
    minutes = _SHORT_MINUTES if is_short else arguments.minutes
    print(f"\n{engine}: {f'{arguments.short} operations' if is_short else f'{minutes:g} minutes'}", flush=True)
    history = folder / "history"
    history.mkdir(parents=True)
    # PostgreSQL runs as another user.
    for parent in (folder, folder.parent):
        parent.chmod(0o755)
    with Stack(engine, folder / "system", full=not (is_short or arguments.no_faults)) as system:
        load = Load(arguments.seed, 60 * minutes)
        if is_short:
            load = replace(load, operations=arguments.short, callers=_SHORT_CALLERS, pause=1.0, imports=1)
        choose = _few_faults if is_short else _all_faults
        inject = choose(system, arguments, history / files.FAULTS)
        try:
            run(system, load, history, None if arguments.no_faults else inject)
        except Incomplete as error:
            print(f"The history is not complete: {error}", file=sys.stderr)
            return False
    return _check(history)


def _all_faults(system: Stack, arguments: argparse.Namespace, file: Path) -> Inject:
    return lambda seconds: faults.run(system, arguments.seed, file, seconds, arguments.fault)


def _few_faults(system: Stack, arguments: argparse.Namespace, file: Path) -> Inject:
    runner = Runner(system, arguments.seed, file, _SHORT_FAULTS)
    turns = iter(range(_SHORT_COUNT))

    def inject(seconds: float) -> None:
        if next(turns, None) is None:
            time.sleep(_PAUSE)
        else:
            runner.inject_next()

    return inject


def _check(folder: Path) -> bool:
    result = check(folder)
    print("\n".join(report.lines(result, folder)), flush=True)
    return result.ok


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="duration of the load on each engine (default: 5)")
    parser.add_argument("--engine", choices=[*_ENGINES, "both"], default="both")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="a number (default: random)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="new folder for the history, which stays there")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="check a kept history, and run nothing")
    parser.add_argument("--no-faults", action="store_true", help="load only")
    names = sorted({kind.name for kind in KINDS})
    parser.add_argument("--fault", action="append", choices=names, metavar="NAME", help="only this fault (repeatable)")
    help_text = f"a small system, {_SHORT_CALLERS} callers with so many operations each, and two kinds of faults"
    parser.add_argument("--short", type=int, default=0, metavar="OPERATIONS", help=help_text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
