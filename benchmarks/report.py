"""The tables in print."""

import dataclasses
from collections.abc import Sequence

from benchmarks.measures import Measured
from benchmarks.monolith import Day
from benchmarks.table import NOOP, Results
from benchmarks.targets import Target

_HEAD = f"{'':10}  {'':46}  {'a second':>8}  {'of no-op':>8}  {'p50 ms':>8}  {'p99 ms':>8}"


def print_results(results: Sequence[Results]) -> None:
    """Print what was measured, each engine in turn."""
    print(_HEAD)
    for one in results:
        for measured in one.measured.values():
            print(f"{one.engine:10}  {_row(measured)}")
        _print_any(one.engine, one.day)
        fight, memory = one.fight, one.memory
        what = f"16 clients fighting for {fight.periods} periods"
        print(f"{one.engine:10}  {what:46}  {fight.rate:8.0f}  {'':8}  {fight.p50:8.2f}  {fight.p99:8.2f}")
        print(f"{'':10}  exactly one winner each: {_yes(fight.one_winner_each)}, failures: {fight.failures}")
        early, late = (" and ".join(f"{mebibytes:.1f}" for mebibytes in group) for group in (memory.early, memory.late))
        print(
            f"{one.engine:10}  memory of each worker: {early} MiB after {memory.requests // 10:,} requests,"
            f" {late} MiB after {memory.requests:,}"
        )
        print(f"{one.engine:10}  import of 3,800 trips: {one.import_seconds:.2f} s\n")


def _print_any(engine: str, day: Day) -> None:
    scarce, proof = day.scarce, day.proof
    name = f"any, the last {scarce.free} of 10 thousand"
    print(f"{engine:10}  {_row(dataclasses.replace(scarce.won, name=name))}")
    print(
        f"{'':10}  all of them given out, in each of {len(scarce.won.loads)} hours: {_yes(scarce.all_given_out)},"
        f" none_available too early: {scarce.false_refusals}, failures: {scarce.failures};"
        f" a refusal: p50 {scarce.refused.percentile(0.5):.0f} ms, p99 {scarce.refused.percentile(0.99):.0f} ms"
    )
    print(
        f"{'':10}  any, all {proof.orders:,} orders: double bookings: {proof.double_bookings},"
        f" answers without their row or rows without their answer: {proof.disagreements},"
        f" failures of best_fit: {day.best_fit_failures}"
    )


def _yes(good: bool) -> str:
    return "yes" if good else "NO"


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
