"""What the faults of a run were."""

import json
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class KindSummary:
    """How often a kind of fault came, and how many seconds the system needed to recover: the median and the longest.

    The seconds are those of the faults that came alone, if there are any.
    """

    name: str
    count: int
    recovery_p50: float
    recovery_max: float


@dataclass(frozen=True)
class Summary:
    """The faults of a run, the kinds that the machine cannot have with the reason, and what the faults complain of."""

    kinds: list[KindSummary]
    left_out: dict[str, str]
    problems: list[str]

    @property
    def count(self) -> int:
        """The number of faults."""
        return sum(kind.count for kind in self.kinds)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Summarise a file that the runner wrote."""
        records: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
        left_out: dict[str, str] = {}
        alone, recoveries = (defaultdict[str, list[float]](list) for _ in range(2))
        problems: list[str] = []
        for record in records:
            if "left_out" in record:
                left_out |= record["left_out"]
                continue
            recoveries[record["name"]].append(record["recovery"])
            if len(record["together"]) == 1:
                alone[record["name"]].append(record["recovery"])
            if record["problem"]:
                problems.append(f"{record['name']}: {record['problem']}")
        kinds = [
            KindSummary(name, len(seconds), statistics.median(alone[name] or seconds), max(alone[name] or seconds))
            for name, seconds in sorted(recoveries.items())
        ]
        return cls(kinds, left_out, problems)

    def __str__(self) -> str:
        """Return a table."""
        lines = [f"{'fault':34} {'count':>5} {'recovery p50':>13} {'max':>8}"]
        lines += [
            f"{kind.name:34} {kind.count:5} {kind.recovery_p50:11.2f} s {kind.recovery_max:6.2f} s"
            for kind in self.kinds
        ]
        lines += [f"left out: {name}: {reason}" for name, reason in self.left_out.items()]
        return "\n".join([*lines, f"{self.count} faults, {len(self.problems)} problems", *self.problems])
