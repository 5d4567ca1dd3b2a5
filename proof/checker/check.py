"""Checks a recorded history against all rules."""

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from benchmarks.garbage import not_collected

from proof.checker.load import load
from proof.checker.model import History
from proof.checker.rules import RULES
from proof.checker.timelines import Timelines

# Violations of one rule that are described, and that are counted: one defect can violate a rule at every call.
DESCRIBED, COUNTED = 20, 10_000


@dataclass
class Report:
    """The number of violations of each rule, and descriptions of the first ones."""

    violations: dict[str, int] = field(default_factory=dict)
    descriptions: dict[str, list[str]] = field(default_factory=dict)
    history: History = field(default_factory=History)

    @property
    def ok(self) -> bool:
        """Whether no rule is violated."""
        return not any(self.violations.values())

    @property
    def violated(self) -> list[str]:
        """The names of the violated rules."""
        return [name for name, count in self.violations.items() if count]


def check(folder: Path) -> Report:
    """Check the history in a folder."""
    with not_collected():
        history = load(folder)
        timelines = Timelines(history)
        report = Report(history=history)
        for rule in RULES:
            found = list(islice(rule(history, timelines), COUNTED))
            report.violations[rule.__name__] = len(found)
            report.descriptions[rule.__name__] = found[:DESCRIBED]
    return report
