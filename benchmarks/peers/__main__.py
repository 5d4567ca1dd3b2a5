"""Compares InvSys with its peers on PostgreSQL: ``python -m benchmarks.peers [--quick] [--store | --draw]``."""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks import databases, rounds
from benchmarks.peers import figure, measure
from benchmarks.peers.systems import SYSTEMS

RESULTS = Path(__file__).parent / "results.json"
FIGURE = Path(__file__).parents[2] / "docs/source/images/peers.svg"


def main() -> None:
    """Measure and print the results, or draw the figure of the stored results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a fifth of the time")
    parser.add_argument("--store", action="store_true", help=f"write the results to {RESULTS.name} and draw the figure")
    parser.add_argument("--draw", action="store_true", help="measure nothing; print and draw the stored results")
    options = parser.parse_args()
    if options.draw:
        results = json.loads(RESULTS.read_text())
    else:
        with databases.postgresql() as engine:
            results = measure.measure(engine, rounds.QUICK if options.quick else rounds.FULL)
    if options.store:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if options.store or options.draw:
        FIGURE.write_text(figure.draw(results))
    print_results(results)


def print_results(results: dict[str, Any]) -> None:
    """Print a table with a row for each system and size, and one for each system with its double bookings."""
    names = {system.key: system.name for system in SYSTEMS}
    print(f"{results['engine']}, {results['clients']} clients, load before and after: {results['load']}")
    print(f"{'create':44} {'allocations':>12} {'per second':>11} {'p50 ms':>9} {'p99 ms':>9}")
    for row in results["creates"]:
        print(f"{names[row['system']]:44} {row['size']:12,} {row['rate']:11.1f} {row['p50']:9.1f} {row['p99']:9.1f}")
    for row in results["competition"]:
        print(
            f"{names[row['system']]}: {row['double_bookings']} double bookings of {row['periods']} periods,"
            f" {row['failures']} responses without a result"
        )


if __name__ == "__main__":
    main()
