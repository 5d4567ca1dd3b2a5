"""The tables in print."""

from collections.abc import Sequence

from benchmarks.measures import Measured
from benchmarks.table import NOOP, Results
from benchmarks.targets import Target

_HEAD = f"{'':10}  {'':46}  {'a second':>8}  {'of no-op':>8}  {'p50 ms':>8}  {'p99 ms':>8}"


def print_results(results: Sequence[Results]) -> None:
    """Print what was measured, each engine in turn."""
    print(_HEAD)
    for one in results:
        for measured in one.measured.values():
            print(f"{one.engine:10}  {_row(measured)}")
        fight, memory = one.fight, one.memory
        what = f"16 clients fighting for {fight.periods} periods"
        print(f"{one.engine:10}  {what:46}  {fight.rate:8.0f}  {'':8}  {fight.p50:8.2f}  {fight.p99:8.2f}")
        print(
            f"{'':10}  exactly one winner each: {'yes' if fight.one_winner_each else 'NO'}, failures: {fight.failures}"
        )
        early, late = (" and ".join(f"{mebibytes:.1f}" for mebibytes in group) for group in (memory.early, memory.late))
        print(
            f"{one.engine:10}  memory of each worker: {early} MiB after {memory.requests // 10:,} requests,"
            f" {late} MiB after {memory.requests:,}"
        )
        print(f"{one.engine:10}  import of 3,800 trips: {one.import_seconds:.2f} s\n")


def _row(measured: Measured) -> str:
    reference = measured.reference
    ratio = f"{measured.ratio(reference):8.3f}" if reference is not None and measured.name != NOOP else f"{'':8}"
    return (
        f"{measured.name:46}  {measured.rate:8.1f}  {ratio}"
        f"  {measured.percentile(0.5):8.2f}  {measured.percentile(0.99):8.2f}"
    )


def print_targets(targets: Sequence[Target]) -> None:
    """Print the targets and whether each is met."""
    print(f"{'target':74}  {'measured':>10}")
    for target in targets:
        print(f"{target.engine + ': ' + target.text:74}  {target.measured:10.2f}  {'met' if target.met else 'MISSED'}")
