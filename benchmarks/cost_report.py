"""The cost table: formats it, saves it as JSON, and compares it with an earlier run."""

import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

# A figure counts as unchanged if it rose by no more than this share; two runs of the same code differ by less.
CALLS_MARGIN, RATIO_MARGIN = 0.03, 0.08

_HEAD = (
    f"{'':12}  {'CPU us':>8}  {'floor us':>8}  {'ratio':>6}  {'calls':>6}  {'floor':>6}  {'C calls':>7}  {'floor':>6}"
)


class UnusableReport(Exception):
    """The file of an earlier run cannot be used for a comparison; the message has the reason."""


@dataclass(frozen=True)
class Row:
    """The CPU microseconds and the function calls (Python and C) of a request to the service and to its baseline.

    The baseline is called the floor. Each request to the service is paired with a request to the floor at almost the
    same time; ``ratio`` is the median ratio of their CPU times.
    """

    cpu_us: float
    floor_us: float
    ratio: float
    calls: int
    floor_calls: int
    c_calls: int
    floor_c_calls: int


@dataclass(frozen=True)
class Report:
    """All rows of a run; runs with different engines or Python releases cannot be compared."""

    engine: str
    python: str
    rows: dict[str, Row]


def report(engine: str, processes: Sequence[Mapping[str, Any]]) -> Report:
    """Build the report from the outputs of several ``cost_process`` runs."""
    rows = {name: _row([process[name] for process in processes]) for name in processes[0]}
    return Report(engine, python_version(), rows)


def python_version() -> str:
    """Return the release of the running Python, on which the number of function calls depends."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _row(processes: Sequence[Sequence[Mapping[str, Any]]]) -> Row:
    seconds = [[second for process in processes for second in process[app]["seconds"]] for app in (0, 1)]
    service, floor = (1e6 * statistics.median(app_seconds) for app_seconds in seconds)
    ratio = statistics.median(service_s / floor_s for service_s, floor_s in zip(*seconds, strict=True))
    calls, c_calls = (
        [statistics.median_low(process[app]["calls"][kind] for process in processes) for app in (0, 1)]
        for kind in ("python", "c")
    )
    return Row(round(service, 1), round(floor, 1), round(ratio, 3), *calls, *c_calls)


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{report.engine}, Python {report.python}: one request, user and system time of this process"
    yield _HEAD
    for name, row in report.rows.items():
        cpu = f"{row.cpu_us:8.0f}  {row.floor_us:8.0f}  {row.ratio:6.2f}"
        yield f"{name:12}  {cpu}  {row.calls:6}  {row.floor_calls:6}  {row.c_calls:7}  {row.floor_c_calls:6}"


def save(report: Report, path: Path) -> None:
    """Write the report as JSON."""
    path.write_text(json.dumps(asdict(report), indent=2) + "\n")


def load(path: Path) -> Report:
    """Read a report that ``save`` wrote; raises UnusableReport, OSError."""
    try:
        saved = json.loads(path.read_bytes())
        report = Report(saved["engine"], saved["python"], {name: Row(**row) for name, row in saved["rows"].items()})
        are_figures = all(0 < figure < math.inf for row in report.rows.values() for figure in astuple(row))
    except (ValueError, TypeError, KeyError, AttributeError):
        are_figures = False
    if not are_figures:
        raise UnusableReport("not a file written by benchmarks.cost --json")
    return report


def require_comparable(before: Report, engine: str) -> None:
    """Raise UnusableReport unless the earlier report has the same engine and Python release as this run."""
    now = (engine, python_version())
    if (before.engine, before.python) != now:
        earlier = f"{before.engine} and Python {before.python}"
        raise UnusableReport(f"measured with {earlier}, but this run uses {engine} and Python {now[1]}")


def rises(before: Report, after: Report) -> Iterator[str]:
    """Yield a message for each figure that rose by more than its margin, and for each row that is now missing."""
    for name, old in before.rows.items():
        new = after.rows.get(name)
        if new is None:
            yield f"{name}: no longer measured"
            continue
        if new.calls > old.calls * (1 + CALLS_MARGIN):
            yield f"{name}: {new.calls} Python calls, {_percent(new.calls, old.calls)} more than {old.calls}"
        if new.ratio > old.ratio * (1 + RATIO_MARGIN):
            more = _percent(new.ratio, old.ratio)
            yield f"{name}: CPU {new.ratio:.2f} times the floor's, {more} more than {old.ratio:.2f}"


def _percent(new: float, old: float) -> str:
    return f"{100 * (new / old - 1):.1f} %"
