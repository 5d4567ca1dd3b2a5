"""Fixtures of the tests of commands."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from invsys.inventory.transfer import importer

Counts = tuple[int, int, int, int]


@pytest.fixture
def import_text(app: Flask, tmp_path: Path) -> Callable[..., tuple[Counts, list[str]]]:
    """Return a function that imports a text and returns the counts and the reasons of refused lines.

    The counts are those of registered vehicles, of new allocations, and of unchanged and refused lines.
    """

    def import_text(text: str, suffix: str = ".csv") -> tuple[Counts, list[str]]:
        file, report = tmp_path / f"in{suffix}", tmp_path / "report.csv"
        report.unlink(missing_ok=True)
        file.write_text(text, newline="")
        with app.app_context():
            outcome = importer.import_file(str(file), str(report))
        lines = report.read_text().splitlines() if report.exists() else []
        rows = map(json.loads, lines) if suffix == ".jsonl" else csv.DictReader(lines)
        counts = outcome.registered, outcome.allocated, outcome.unchanged, outcome.refused
        return counts, [row["reason"] for row in rows]

    return import_text
