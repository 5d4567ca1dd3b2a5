"""Prints the tables of measurements and targets."""

import dataclasses
from collections.abc import Sequence

from benchmarks.contention import Contention
from benchmarks.measures import Measured
from benchmarks.monolith import Results as MonolithResults
from benchmarks.table import NOOP, Results
from benchmarks.targets import Target

_HEAD = f"{'':10}  {'':46}  {'per s':>8}  {'of no-op':>8}  {'p50 ms':>8}  {'p99 ms':>8}"


def print_results(results: Sequence[Results]) -> None:
    """Print the measurements of each engine."""
    print(_HEAD)
    for engine_results in results:
        engine = engine_results.engine
        for measured in engine_results.measured.values():
            print(f"{engine:10}  {_row(measured)}")
        _print_any(engine, engine_results.monolith)
        _print_contention(engine, engine_results.contention)
        memory = engine_results.memory
        early, late = (" and ".join(f"{mebibytes:.1f}" for mebibytes in group) for group in (memory.early, memory.late))
        print(
            f"{engine:10}  memory of each worker: {early} MiB after {memory.requests // 10:,} requests,"
            f" {late} MiB after {memory.requests:,}"
        )
        print(f"{engine:10}  import of 3,800 trips: {engine_results.import_seconds:.2f} s\n")


def _print_any(engine: str, results: MonolithResults) -> None:
    scarce, proof = results.scarce, results.proof
    name = f"any, last {scarce.free} of 10,000 vehicles"
    print(f"{engine:10}  {_row(dataclasses.replace(scarce.created, name=name))}")
    print(
        f"{'':10}  all allocated in each of {len(scarce.created.loads)} hours: {_yes(scarce.all_allocated)},"
        f" none_available too early: {scarce.false_refusals}, failures: {scarce.failures};"
        f" none_available: p50 {scarce.refused.percentile(0.5):.0f} ms, p99 {scarce.refused.percentile(0.99):.0f} ms"
    )
    print(
        f"{'':10}  any, {proof.allocations:,} allocations: double bookings: {proof.double_bookings},"
        f" differences between responses and rows: {proof.mismatches},"
        f" failures of best_fit: {results.best_fit_failures}"
    )


def _print_contention(engine: str, result: Contention) -> None:
    name = f"16 clients competing for {result.periods} periods"
    print(f"{engine:10}  {name:46}  {result.rate:8.0f}  {'':8}  {result.p50:8.2f}  {result.p99:8.2f}")
    print(f"{'':10}  exactly one success per period: {_yes(result.one_success_each)}, failures: {result.failures}")


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
    """Print each target, the measured value, and whether the target is met."""
    print(f"{'target':74}  {'measured':>10}")
    for target in targets:
        print(f"{target.engine + ': ' + target.text:74}  {target.measured:10.2f}  {'met' if target.met else 'MISSED'}")
