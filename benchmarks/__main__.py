"""Prints the table, and the targets and whether they are met: ``python -m benchmarks [--quick] [--only ENGINE]``."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks import databases, measures, report, table, targets

_ENGINES: dict[str, Callable[[], AbstractContextManager[databases.Databases]]] = {
    "postgresql": databases.postgresql,
    "sqlite": databases.sqlite,
}


def main() -> int:
    """Measure; the status is 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a fifth of the time")
    parser.add_argument("--only", choices=_ENGINES, help="one engine")
    chosen = parser.parse_args()
    results = []
    for name, engine in _ENGINES.items():
        if chosen.only in (None, name):
            with engine() as made:
                results.append(table.measure(made, measures.QUICK if chosen.quick else measures.FULL))
    report.print_results(results)
    promised = [target for one in results for target in targets.targets(one)]
    report.print_targets(promised)
    return 0 if all(target.met for target in promised) else 1


if __name__ == "__main__":
    raise SystemExit(main())
