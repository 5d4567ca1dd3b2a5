"""Run random requests under faults, record them, and check the record.

The exit status is 1 if a rule is violated. The seed decides the requests of each caller and the faults; what happens at
the same time also depends on the machine.
"""

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from proof import report
from proof.checker.check import check
from proof.faults.kinds import KINDS

_ENGINES = ("sqlite", "postgresql")


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
    # Not at the top: these import the service.
    from proof import faults  # noqa: PLC0415
    from proof.history import files  # noqa: PLC0415
    from proof.system.stack import Stack  # noqa: PLC0415
    from proof.workload.run import Load, run  # noqa: PLC0415

    print(f"\n{engine}: {arguments.minutes:g} minutes", flush=True)
    folder.mkdir(parents=True, mode=0o755)
    folder.parent.chmod(0o755)
    history = folder / "history"
    with Stack(engine, folder / "system", full=not arguments.no_faults) as system:
        inject = partial(faults.run, system, arguments.seed, history / files.FAULTS, only=arguments.fault)
        load = Load(arguments.seed, 60 * arguments.minutes)
        run(system, load, history, None if arguments.no_faults else lambda seconds: inject(seconds=seconds))
    return _check(history)


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
    return parser


if __name__ == "__main__":
    sys.exit(main())
