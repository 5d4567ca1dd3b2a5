"""Prints the tables of measurements and targets."""

import dataclasses
from collections.abc import Sequence

from benchmarks.booking_requests import Results as BookingResults
from benchmarks.contention import Contention
from benchmarks.rounds import Measured
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
        _print_any(engine, engine_results.booking)
        _print_contention(engine, engine_results.contention)
        memory = engine_results.memory
        early, late = (" and ".join(f"{mebibytes:.1f}" for mebibytes in group) for group in (memory.early, memory.late))
        print(
            f"{engine:10}  memory of each worker: {early} MiB after {memory.requests // 10:,} requests,"
            f" {late} MiB after {memory.requests:,}"
        )
        print(f"{engine:10}  import of 3,800 trips: {engine_results.import_seconds:.2f} s\n")


def _print_any(engine: str, results: BookingResults) -> None:
    few_free, consistency = results.few_free, results.consistency
    name = f"any, last {few_free.free} of 10,000 vehicles"
    print(f"{engine:10}  {_row(dataclasses.replace(few_free.created, name=name))}")
    print(
        f"{'':10}  all allocated in each of {len(few_free.created.loads)} hours: {_yes(few_free.all_allocated)},"
        f" none_available too early: {few_free.false_refusals}, failures: {few_free.failures};"
        f" none_available: p50 {few_free.refused.percentile(0.5):.0f} ms,"
        f" p99 {few_free.refused.percentile(0.99):.0f} ms"
    )
    print(
        f"{'':10}  any, {consistency.allocations:,} allocations: double bookings: {consistency.double_bookings},"
        f" differences between responses and rows: {consistency.mismatches},"
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
    """Print each target with the measured value, and whether it is met."""
    print(f"{'target':74}  {'measured':>10}")
    for target in targets:
        print(f"{target.engine + ': ' + target.text:74}  {target.measured:10.2f}  {'met' if target.met else 'MISSED'}")
