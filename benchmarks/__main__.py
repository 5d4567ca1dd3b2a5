"""Runs all benchmarks and prints which targets are met: ``python -m benchmarks [--quick] [--only ENGINE]``."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks import databases, report, rounds, table, targets

_ENGINES: dict[str, Callable[[], AbstractContextManager[databases.Databases]]] = {
    "postgresql": databases.postgresql,
    "sqlite": databases.sqlite,
}


def main() -> int:
    """Run the benchmarks and print the results; return the exit status, which is 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a fifth of the time")
    parser.add_argument("--only", choices=_ENGINES, help="measure only this engine")
    options = parser.parse_args()
    results = []
    for name, engine in _ENGINES.items():
        if options.only in (None, name):
            with engine() as engine_databases:
                scale = rounds.QUICK if options.quick else rounds.FULL
                results.append(table.measure(engine_databases, scale))
    report.print_results(results)
    all_targets = [target for engine_results in results for target in targets.targets(engine_results)]
    report.print_targets(all_targets)
    return 0 if all(target.met for target in all_targets) else 1


if __name__ == "__main__":
    raise SystemExit(main())
