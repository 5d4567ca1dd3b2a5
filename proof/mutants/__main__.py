"""Show the power of the proof: run each mutant until the checker finds it, and print a table.

The exit status is 1 if a mutant is not found.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from proof.mutants.catalogue import MUTANTS, Mutant
from proof.mutants.trial import Outcome, try_mutant


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m proof.mutants", description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--mutant", action="append", choices=[mutant.name for mutant in MUTANTS], metavar="NAME")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    print(f"{'mutant':38} {'engine':11} {'caught by':32} {'operations':>10} {'seconds':>8}", flush=True)
    caught = [
        _try(mutant, engine, arguments.seed)
        for mutant in MUTANTS
        for engine in mutant.engines
        if arguments.engine in (engine, "both") and mutant.name in (arguments.mutant or [mutant.name])
    ]
    print(f"{sum(caught)} of {len(caught)} caught")
    return 0 if all(caught) else 1


def _try(mutant: Mutant, engine: str, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="invsys-proof-") as folder:
        Path(folder).chmod(0o755)
        outcome = try_mutant(mutant, engine, seed, Path(folder))
    print(_line(outcome), flush=True)
    return outcome.caught


def _line(outcome: Outcome) -> str:
    rules = [rule for rule in outcome.violated if rule in outcome.mutant.rules]
    found = ", ".join(rules) if rules else f"NOT CAUGHT ({', '.join(outcome.violated) or 'no violation'})"
    mutant, engine = outcome.mutant.name, outcome.engine
    return f"{mutant:38} {engine:11} {found:32} {outcome.operations:10,} {outcome.seconds:6.0f} s"


if __name__ == "__main__":
    sys.exit(main())
