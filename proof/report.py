"""The table at the end of a run."""

from collections import Counter
from pathlib import Path

from proof.checker.check import Report
from proof.checker.load import READS
from proof.faults import Summary
from proof.history import files


def lines(report: Report, folder: Path) -> list[str]:
    """Return the lines of the report: operations, unknown outcomes, faults, and violations by rule."""
    text = [*_operations(report), ""]
    faults = folder / files.FAULTS
    if faults.exists():
        text += [str(Summary.read(faults)), ""]
    text.append(f"{'rule':34} {'violations':>10}")
    for rule, count in report.violations.items():
        text.append(f"{rule:34} {count:10,}")
        text += [f"    {description[:1000]}" for description in report.descriptions[rule]]
    return text


def _operations(report: Report) -> list[str]:
    calls = report.history.calls
    unknown = [call for call in calls if call.status is None and call.kind not in READS]
    by_key = sum(
        1 for call in unknown if call.key is not None and any(other.status for other in report.history.by_key[call.key])
    )
    # Whether a call without a key was executed is known when the whole feed has been read.
    executed = sum(1 for call in unknown if call.key is None and call.executed)
    others = len(unknown) - by_key - executed
    numbers = Counter(call.operation for call in calls)
    return [
        f"{'operation':34} {'calls':>10}",
        *(f"{name:34} {count:10,}" for name, count in sorted(numbers.items())),
        f"{'all':34} {len(calls):10,}",
        f"{'reads answered by a standby':34} {report.history.standby_reads:10,}",
        f"{'events of the feed':34} {len(report.history.events):10,}",
        "",
        f"{'unknown outcomes of changes':34} {len(unknown):10,}",
        f"{'  settled by the Idempotency-Key':34} {by_key:10,}",
        f"{'  executed, by the feed':34} {executed:10,}",
        f"{'  not executed, by the feed':34} {others:10,}",
    ]
